"""When to try again what has failed."""

from datetime import timedelta

_LONGEST = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(days=1)


def retry_delay(failures: int) -> timedelta:
    """The pause after so many failures in a row: 1 s, doubling up to 30 s.

    >>> [retry_delay(failures).seconds for failures in (1, 2, 3, 9, 10_000)]
    [1, 2, 4, 30, 30]
    """
    return min(_LONGEST, timedelta(seconds=2 ** min(failures - 1, 10)))


def refresh_pause(times: int) -> timedelta:
    """How long a monitor waits whose refreshes were given up so many times in a row: 2 h, doubling up to a day.

    >>> [refresh_pause(times) // timedelta(hours=1) for times in (1, 2, 4, 5, 500)]
    [2, 4, 16, 24, 24]
    """
    return min(_LONGEST_PAUSE, timedelta(hours=2 ** min(times, 10)))
