"""Records in; text, pages, rows and logs out."""
