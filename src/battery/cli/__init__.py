"""The command line: one file per command, parse → stage → render."""
