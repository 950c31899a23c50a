"""Polya's urn: the one function that the mixtures over counts are made of.

`log_urn(x, k)` is the log of the product over i < k of (1 + i / x): how much likelier a run of k equal draws is when
each draw strengthens its own kind, against draws of constant chance, when the urn starts with weight x. It is convex in
x for whole k, which makes every interval here an interval.
"""

import math

# From here on the asymptotic series of digamma and trigamma are good to 1e-9 with the terms below.
SERIES_FROM = 8.0
# The square of a smaller weight is no number any more.
LEAST_WEIGHT = 1e-120


def log_urn(x: float, k: float) -> float:
    """Log of gamma(x + k) / (gamma(x) x^k), for `k >= 0` and `x >= 0`; infinite at `x = 0` for `k > 1`.

    >>> round(math.exp(log_urn(2.0, 3)), 12)  # 3/2 * 4/2
    3.0
    """
    if k == 0.0 or k == 1.0:
        return 0.0
    if x <= 0.0:
        return math.copysign(math.inf, k - 1.0)
    return math.lgamma(x + k) - math.lgamma(x) - k * math.log(x)


def urn_bend(x: float, k: float) -> tuple[float, float]:
    """First and second derivative of `log_urn` in x, for `x > 0` (or `k` 0 or 1)."""
    if k == 0.0 or k == 1.0:
        return 0.0, 0.0
    x = max(x, LEAST_WEIGHT)
    before = _polygammas(x)
    after = _polygammas(x + k)
    return after[0] - before[0] - k / x, after[1] - before[1] + k / (x * x)


def _polygammas(x: float) -> tuple[float, float]:
    """Digamma and trigamma (Abramowitz, Stegun 1964, 6.3.5, 6.3.18, 6.4.6, 6.4.12), in a third of scipy's time."""
    first = second = 0.0
    while x < SERIES_FROM:
        r = 1.0 / x
        first -= r
        second += r * r
        x += 1.0
    r = 1.0 / x
    q = r * r
    return (
        first + math.log(x) - 0.5 * r - q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q / 240))),
        second + r + 0.5 * q + q * r * (1 / 6 - q * (1 / 30 - q * (1 / 42 - q / 30))),
    )
