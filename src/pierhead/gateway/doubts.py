"""When a worker is taken to hang. Pure."""

SILENCE_S = 1.0
"""Who works answers somebody within that time when there are calls to answer, or the call was one long one."""

DOUBT_S = 10.0
"""A worker that hangs is killed within seconds; one that is still there after this did not."""


def seems_to_hang(silent_s: float, timeout_s: float) -> bool:
    """Whether a worker with an overdue call hangs, that has said nothing at all for `silent_s`.

    One that answers others all the time is only slow, and others are no better off elsewhere.

    >>> seems_to_hang(silent_s=0.02, timeout_s=30), seems_to_hang(silent_s=5, timeout_s=30)
    (False, True)
    >>> seems_to_hang(silent_s=0.4, timeout_s=0.5)
    True
    """
    return silent_s >= min(SILENCE_S, timeout_s / 2)
