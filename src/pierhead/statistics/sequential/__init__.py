"""Statistics that stay valid however often somebody looks at them."""
