"""When a webhook that fails is tried again, and when it is given up."""

from datetime import datetime, timedelta

FIRST_DELAY_S = 2.0
LONGEST_DELAY_S = 3600.0
LASTING = timedelta(hours=24)
FEWEST_TRIES = 10


def delay_s(failures: int, draw: float) -> float:
    """Seconds to wait after `failures` in a row, at least 1; `draw` is in [0, 1).

    It doubles from 2 s to an hour, and the half of it is left to chance, so that receivers that broke down together are
    not asked together.

    >>> [delay_s(failures, 0.5) for failures in (1, 2, 3, 50)]
    [1.5, 3.0, 6.0, 2700.0]
    """
    # Beyond this power the longest delay is reached anyway, and floats end.
    whole = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failures - 1, 30))
    return whole / 2 + whole / 2 * draw


def next_try(failures: int, now: datetime, draw: float) -> datetime:
    """When to try again after `failures` in a row, the last of them `now`."""
    return now + timedelta(seconds=delay_s(failures, draw))


def is_lasting(failures: int, failing_since: datetime, now: datetime) -> bool:
    """Whether a webhook has failed for so long that it is disabled: 24 hours, and ten tries.

    The tries count too, for a platform that was down in between has hardly tried.
    """
    return failures >= FEWEST_TRIES and now - failing_since >= LASTING
