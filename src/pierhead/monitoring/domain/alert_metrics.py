"""Names of metrics: `family.name`."""

import re

from pierhead.monitoring.domain.alert_rules import LABEL_METRICS, TRAFFIC_METRICS, Family, Metric

PSI = "population_stability_index"

_COLUMN = re.compile(r"[a-z_][a-z0-9_]{0,126}(\.[a-z_][a-z0-9_]{0,126})?")
_FIXED = {Family.TRAFFIC: TRAFFIC_METRICS, Family.LABELS: LABEL_METRICS, Family.QUERY: ("result",)}


def parse_metric(text: str) -> Metric:
    """Raises ValueError with a sentence.

    >>> parse_metric("drift.ks_test.statistic")
    Metric(family=<Family.DRIFT: 'drift'>, name='ks_test.statistic')
    """
    first, _, name = text.partition(".")
    family = next((each for each in Family if each.value == first), None)
    if family is None:
        families = ", ".join(each.value for each in Family if each is not Family.QUERY)
        raise ValueError(f"{text!r} is no metric: it begins with one of {families} and a dot, as in drift.{PSI}")
    if family in _FIXED and name not in _FIXED[family]:
        raise ValueError(f"{text!r} is no metric; of {first} there are {', '.join(_FIXED[family])}")
    if family not in _FIXED and not _COLUMN.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a column of the {first} table, as in drift.{PSI}")
    return Metric(family, name)


def tells_values(metric: Metric) -> bool:
    """Whether it is made of the values that requests carried: traffic and how many labels came are the endpoint's."""
    return metric.family in (Family.DRIFT, Family.PROFILE, Family.QUALITY)


def needs_columns(metric: Metric) -> bool:
    """Whether it is measured for each column of the table; quality is one of the table as a whole."""
    return metric.family in (Family.DRIFT, Family.PROFILE)
