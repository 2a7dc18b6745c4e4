"""The command line: arguments, commands, and what is shown while they work."""
