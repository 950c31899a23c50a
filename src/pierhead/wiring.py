"""Which adapter fills which port: the one place that knows every area."""
