"""The command line: starts and checks all the others. Nothing of ours imports it."""
