"""Numbers as people read them: three digits that count, no more."""

import math
from collections.abc import Sequence
from itertools import pairwise

NOTHING = "–"
_LARGE = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


def number(value: float | None) -> str:
    """
    >>> [number(value) for value in (None, 0, 12, 123456, 2_500_000, 0.012345, -7.5, 1e-9, 1e300)]
    ['–', '0', '12', '123,456', '2.5 M', '0.0123', '−7.5', '1e-9', '1e300']
    """
    if value is None or math.isnan(value):
        return NOTHING
    sign, size = "−" if value < 0 else "", abs(value)
    return sign + ("∞" if math.isinf(size) else _unsigned(size))


def share(value: float | None) -> str:
    """A share 0-1 in percent.

    >>> [share(value) for value in (None, 0.0, 0.00004, 0.1234, 0.9996, 1.0)]
    ['–', '0%', '<0.1%', '12.3%', '>99.9%', '100%']
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{_trimmed(f'{abs(value) * 100:.1f}')}%" if value >= 0 else f"−{_trimmed(f'{-value * 100:.1f}')}%"


def milliseconds(value: float | None) -> str:
    """
    >>> [milliseconds(value) for value in (None, 0.25, 12.34, 1500, 90_000)]
    ['–', '0.25 ms', '12.3 ms', '1.5 s', '90 s']
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{number(value)} ms" if abs(value) < 1000 else f"{number(value / 1000)} s"


def of_n(n: int | float | None) -> str:
    """The sample size behind a number.

    >>> of_n(1234)
    'n = 1,234'
    """
    return f"n = {number(n)}"


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Labels of an axis, all with the same number of decimals.

    >>> tick_labels([0.0, 0.25, 0.5]), tick_labels([0.0, 1e6, 2e6])
    (['0.00', '0.25', '0.50'], ['0', '1 M', '2 M'])
    """
    if len(ticks) < 2:
        return [number(tick) for tick in ticks]
    step, largest = min(abs(b - a) for a, b in pairwise(ticks)), max(map(abs, ticks))
    if step <= 0 or step < 1e-4 or largest >= 1e4:
        return [number(tick) for tick in ticks]
    decimals = next((digits for digits in range(6) if abs(step * 10**digits - round(step * 10**digits)) < 1e-6), 5)
    return [f"{'−' if tick < 0 else ''}{abs(tick):,.{decimals}f}" for tick in ticks]


def _unsigned(size: float) -> str:
    if size == 0:
        return "0"
    if size < 1e-4 or size >= 1e15:
        mantissa, _, exponent = f"{size:.2e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}"
    for unit, letter in _LARGE:
        if size >= unit * 0.9995:
            return f"{_significant(size / unit)} {letter}"
    return f"{size:,.0f}" if size >= 1000 else _significant(size)


def _significant(size: float) -> str:
    decimals = max(0, 2 - math.floor(math.log10(size)))
    return _trimmed(f"{size:,.{decimals}f}")


def _trimmed(written: str) -> str:
    return written.rstrip("0").rstrip(".") if "." in written else written
