"""Which adapter fills which port: the one place that knows every area. One module for each process that needs it."""
