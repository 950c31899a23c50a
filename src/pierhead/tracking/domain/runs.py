"""What MLflow keeps of a run and of a logged model, as far as somebody else must judge it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a metric. Data set and digest are None where the metric was logged without one."""

    metric: str
    value: float
    at: datetime
    dataset: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """A data set that a run says it used. `source` is JSON whose form depends on `source_type`; `context` is what for:
    `training`, `eval` and the like."""

    name: str
    digest: str
    source_type: str
    source: str
    context: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as MLflow's server tells it.

    `user` is who made the run: our proxy sets it, and nobody changes it. Everything else was written by whoever may
    write the run, at any time, also after its end. `is_dirty` is None where git was not asked.
    """

    run_id: str
    experiment_id: str
    name: str
    user: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    params: Mapping[str, str]
    metrics: tuple[Measurement, ...]
    inputs: tuple[DatasetInput, ...]
    source_name: str | None
    entry_point: str | None
    git_commit: str | None
    git_repository: str | None
    is_dirty: bool | None


@dataclass(frozen=True, slots=True)
class LoggedModelFacts:
    """A logged model as MLflow's server tells it; `metrics` come from every run that evaluated it."""

    model_id: str
    experiment_id: str
    run_id: str | None
    metrics: tuple[Measurement, ...]
