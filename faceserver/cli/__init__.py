"""The command line: the command ``faceserver`` and its subcommands."""
