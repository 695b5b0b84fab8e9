"""Reports for machines: tables a call, test results, annotations."""
