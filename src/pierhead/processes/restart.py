"""When to start a dead process again."""

QUICK_DEATH_S = 5.0
"""A process that lives shorter than this since its start has died quickly."""

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0


def count_quick_deaths(earlier: int, lived_s: float) -> int:
    """Quick deaths in a row, after one more death.

    >>> count_quick_deaths(2, 0.1), count_quick_deaths(2, 60.0)
    (3, 0)
    """
    return earlier + 1 if lived_s < QUICK_DEATH_S else 0


def restart_delay_s(quick_deaths: int) -> float:
    """The pause before a restart: none after a long life or one accident, then doubling up to ten seconds.

    >>> [restart_delay_s(n) for n in range(8)]
    [0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    """
    if quick_deaths <= 1:
        return 0.0
    return float(min(_FIRST_DELAY_S * 2 ** min(quick_deaths - 2, 10), _LONGEST_DELAY_S))
