"""How a model of some class is made of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.parity.tables import Sample, Table

Fit = Callable[[Sample, Table], Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """`flavor` is MLflow's; `want` the function that callers are answered by; `family` a heading.

    `trap` says what stock converters get wrong about it without an error; empty for ordinary models.
    """

    family: str
    name: str
    tables: Sequence[str]
    fit: Fit
    want: str = "predict"
    flavor: str = "sklearn"
    trap: str = ""


def features(sample: Sample, table: Table) -> Any:
    """What the model is fitted on: named columns, or a plain matrix where callers send tensors."""
    return sample.x.to_numpy() if table.is_tensor else sample.x


def fitted(make: Callable[[], Any], target: str) -> Fit:
    """A fresh model from `make`, fitted on the target of that name; `none` for models without one."""

    def fit(sample: Sample, table: Table) -> Any:
        x = features(sample, table)
        model = make()
        return model.fit(x) if target == "none" else model.fit(x, getattr(sample, target))

    return fit


def behind(start: Callable[[Table], Any], make: Callable[[], Any], target: str) -> Fit:
    """A pipeline: preprocessing chosen for the table, then a fresh model."""
    from sklearn.pipeline import make_pipeline

    def fit(sample: Sample, table: Table) -> Any:
        pipeline = make_pipeline(start(table), make())
        x = features(sample, table)
        return pipeline.fit(x) if target == "none" else pipeline.fit(x, getattr(sample, target))

    return fit


def numbers_of(table: Table) -> list[str]:
    """Names of the columns of numbers."""
    return [name for name in table.sample().x.columns if name not in (*table.words, "active")]
