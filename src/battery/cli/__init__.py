"""The command line: one file a command, parse → stage → render."""
