"""What can be done with registered models and their versions."""
