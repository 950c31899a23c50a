"""The check of what a version was measured to do, against thresholds and against the version that is live."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from pierhead.kit.yaml_reader import Reader
from pierhead.registry.domain.check import Check, Failed, Passed, Verdict
from pierhead.registry.domain.gate import Evaluation, Evidence


class Better(Enum):
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Bound:
    """What one metric must be; None where nothing is asked. `better` says which way the comparison goes."""

    least: float | None
    most: float | None
    not_worse_by: float | None
    better: Better


@dataclass(frozen=True, slots=True)
class EvaluationParams:
    """`dataset` is None if any data set will do; otherwise only numbers that were measured on a pinned version of it
    count."""

    dataset: str | None
    metrics: Mapping[str, Bound]
    max_age: timedelta | None


_BOUND_KEYS = ("min", "max", "not_worse_than_production_by")


def _read(reader: Reader) -> EvaluationParams:
    entries = reader.entries(("dataset", "metrics", "max_age"), required=("metrics",))
    return EvaluationParams(
        dataset=entries.read("dataset", Reader.text, None),
        metrics=entries.read("metrics", _read_metrics, {}),
        max_age=entries.read("max_age", Reader.duration, None),
    )


def _read_metrics(reader: Reader) -> Mapping[str, Bound]:
    metrics = reader.children()
    if not metrics:
        reader.refuse("at least one metric is needed, like `auc: {min: 0.8}`")
    return {name: _read_bound(bound) for name, bound in metrics}


def _read_bound(reader: Reader) -> Bound:
    entries = reader.entries((*_BOUND_KEYS, "better"))
    least, most, margin = (entries.read(key, Reader.number, None) for key in _BOUND_KEYS)
    if least is None and most is None and margin is None:
        reader.refuse(f"at least one of {', '.join(_BOUND_KEYS)} is needed")
    if least is not None and most is not None and least > most:
        reader.refuse(f"min {least:g} is above max {most:g}, which nothing can be")
    if margin is not None and margin < 0:
        reader.refuse("not_worse_than_production_by is how much worse it may be, so it is not negative")
    # A metric that has a ceiling and no floor is an error or a latency.
    usual = Better.LOWER if most is not None and least is None else Better.HIGHER
    return Bound(least, most, margin, entries.read("better", lambda each: each.choice(Better), usual))


def _judge(evidence: Evidence, params: EvaluationParams, now: datetime) -> Verdict:
    failures = [
        failure
        for metric, bound in params.metrics.items()
        for failure in _failures(metric, bound, evidence, params, now)
    ]
    return Failed("; ".join(failures)) if failures else Passed()


def _failures(metric: str, bound: Bound, evidence: Evidence, params: EvaluationParams, now: datetime) -> Iterator[str]:
    """Comparisons are written so that a value that is no number fails all of them."""
    found = _newest(evidence.evaluations, metric, params.dataset)
    where = f" on {params.dataset}" if params.dataset else ""
    if found is None:
        yield f"metric '{metric}' was not measured{where}; evaluate the version, e.g. with mlflow.evaluate, and log it"
        return
    if params.dataset and found.dataset_digest is None:
        yield f"metric '{metric}' was measured{where}, but no version of that data set is recorded; log it with one"
    if params.max_age is not None and now - found.measured_at > params.max_age:
        yield f"metric '{metric}' was measured at {found.measured_at:%Y-%m-%d %H:%M} UTC, too long ago; measure again"
    if bound.least is not None and not found.value >= bound.least:
        yield f"metric '{metric}' is {found.value:g}{where}, and must be at least {bound.least:g}"
    if bound.most is not None and not found.value <= bound.most:
        yield f"metric '{metric}' is {found.value:g}{where}, and must be at most {bound.most:g}"
    if bound.not_worse_by is not None and evidence.champion:
        yield from _compared(found, _newest(evidence.champion, metric, params.dataset), bound, bound.not_worse_by)


def _compared(found: Evaluation, live: Evaluation | None, bound: Bound, margin: float) -> Iterator[str]:
    metric = found.metric
    if live is None:
        yield f"metric '{metric}' of the version that is live was not measured the same way; evaluate that version too"
        return
    if live.dataset_digest != found.dataset_digest:
        yield (
            f"metric '{metric}' was measured on another version of the data than that of the version that is live; "
            "evaluate both on one"
        )
        return
    loss = live.value - found.value if bound.better is Better.HIGHER else found.value - live.value
    # Two decimals like 0.85 - 0.80 must not fail a margin of 0.05 by the last binary digit.
    if not loss <= margin + 1e-12:
        yield (
            f"metric '{metric}' is {found.value:g}, and {live.value:g} for the version that is live: "
            f"worse by {loss:g}, and at most {margin:g} is allowed"
        )


def _newest(evaluations: Iterable[Evaluation], metric: str, dataset: str | None) -> Evaluation | None:
    fitting = [each for each in evaluations if each.metric == metric and dataset in (None, each.dataset)]
    return max(fitting, key=lambda each: each.measured_at, default=None)


EVALUATION = Check("evaluation", "metrics keep to thresholds, and to those of the version that is live", _read, _judge)
