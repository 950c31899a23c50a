"""The command `pierhead`."""
