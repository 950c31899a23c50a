"""HTTP/1.1 towards the callers: bytes in, exchanges out. Knows nothing of endpoints, models or the api."""
