"""The command line: one module per group; each parses, calls, prints, exits."""
