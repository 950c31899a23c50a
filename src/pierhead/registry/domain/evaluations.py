"""From what runs and logged models were measured to do, to what the gate looks at."""

from collections.abc import Iterable

from pierhead.registry.domain.gate import Evaluation
from pierhead.tracking.domain.runs import Measurement


def evaluations_of(measurements: Iterable[Measurement]) -> tuple[Evaluation, ...]:
    """The newest value of each metric on each data set, sorted by their names."""
    newest: dict[tuple[str, str, str], Measurement] = {}
    for each in measurements:
        key = (each.metric, each.dataset or "", each.dataset_digest or "")
        if key not in newest or newest[key].at <= each.at:
            newest[key] = each
    return tuple(
        Evaluation(each.metric, each.value, each.dataset, each.dataset_digest, each.at)
        for _, each in sorted(newest.items())
    )
