"""When to try again what has failed."""

from datetime import timedelta

_LONGEST = timedelta(seconds=30)


def retry_delay(failures: int) -> timedelta:
    """The pause after so many failures in a row: 1 s, doubling up to 30 s.

    >>> [retry_delay(failures).seconds for failures in (1, 2, 3, 9, 10_000)]
    [1, 2, 4, 30, 30]
    """
    return min(_LONGEST, timedelta(seconds=2 ** min(failures - 1, 10)))
