"""What a payload row says beyond what its record holds."""


def error_class(status_code: int) -> str | None:
    """Whose failure it was, None for an answer: the first thing that an operator asks.

    >>> [error_class(status) for status in (200, 400, 408, 429, 499, 500, 503, 504)]
    [None, 'CLIENT', 'TIMEOUT', 'REJECTED', 'CALLER_GONE', 'SERVER', 'UNAVAILABLE', 'TIMEOUT']
    """
    if status_code < 400:
        return None
    return _CLASSES.get(status_code, "CLIENT" if status_code < 500 else "SERVER")


_CLASSES = {408: "TIMEOUT", 429: "REJECTED", 499: "CALLER_GONE", 503: "UNAVAILABLE", 504: "TIMEOUT"}
