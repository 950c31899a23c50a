"""The polynomially stitched boundary: a closed form that grows like the law of the iterated logarithm.

Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49(2), 2021, theorem 1 and equation 10.
"""

import math

from scipy.special import zeta

from pierhead.statistics.sequential.checks import check_alpha, check_positive


def bound(v: float, alpha: float, *, v_min: float, c: float = 0.0, s: float = 1.4, eta: float = 2.0) -> float:
    """What the sum exceeds at some time with chance at most `alpha`; flat below intrinsic time `v_min`.

    `c` is the scale of the sub-gamma tail (0: sub-Gaussian), `s > 1` the power by which later epochs get less of the
    level, `eta > 1` the ratio of their lengths.

    >>> round(bound(100, 0.05, v_min=10, c=3, s=1.4, eta=2), 5)
    64.48755
    """
    check_alpha(alpha)
    check_positive("v_min", v_min)
    if s <= 1.0 or eta <= 1.0 or c < 0.0:
        raise ValueError(f"s is {s}, eta {eta}, c {c}: must be above 1, above 1, and not below 0")
    time = max(v, v_min)
    middle = (eta**0.25 + eta**-0.25) / math.sqrt(2.0)
    tail = c * (math.sqrt(eta) + 1.0) / 2.0
    level = (
        s * math.log(math.log(eta * time / v_min))
        + math.log(float(zeta(s)) / math.log(eta) ** s)
        + math.log(1.0 / alpha)
    )
    return math.sqrt(middle**2 * time * level + (tail * level) ** 2) + tail * level
