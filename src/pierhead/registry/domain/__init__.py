"""What the registry is about, without any I/O."""
