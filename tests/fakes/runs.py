"""A tracking server in memory."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pierhead.kit.errors import Unavailable
from pierhead.tracking.domain.runs import DatasetInput, LoggedModelFacts, Measurement, RunFacts

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def a_run(run_id: str = "r1", *inputs: DatasetInput, **facts: Any) -> RunFacts:
    run = RunFacts(
        run_id=run_id,
        experiment_id="1",
        name="training",
        user="sam",
        status="FINISHED",
        started_at=NOW,
        ended_at=NOW,
        params={},
        metrics=(),
        inputs=inputs,
        source_name="train.py",
        entry_point=None,
        git_commit="0123abc",
        git_repository=None,
        is_dirty=False,
    )
    return replace(run, **facts)


def an_input(
    name: str = "train", *, context: str = "training", source_type: str = "delta_table", tags: Any = None, **source: Any
) -> DatasetInput:
    """A data set of a run; the keywords are the source's fields."""
    return DatasetInput(name, "d1", source_type, json.dumps(source), context, tags or {})


def a_measurement(metric: str, value: float, dataset: str | None = None, at: datetime = NOW) -> Measurement:
    return Measurement(metric, value, at, dataset, "d1" if dataset else None)


class FakeRuns:
    """The registry's `Runs`; `is_silent` makes it answer nothing."""

    def __init__(self) -> None:
        self.runs: dict[str, RunFacts] = {}
        self.models: dict[str, LoggedModelFacts] = {}
        self.is_silent = False

    def put(self, run: RunFacts) -> None:
        self.runs[run.run_id] = run

    def put_model(self, model_id: str, run_id: str | None, *metrics: Measurement) -> None:
        self.models[model_id] = LoggedModelFacts(model_id, "1", run_id, metrics)

    def add_input(self, run_id: str, given: DatasetInput) -> None:
        run = self.runs[run_id]
        self.put(replace(run, inputs=(*run.inputs, given)))

    def find(self, run_id: str) -> RunFacts | None:
        self._answer()
        return self.runs.get(run_id)

    def find_logged_model(self, model_id: str) -> LoggedModelFacts | None:
        self._answer()
        return self.models.get(model_id)

    def _answer(self) -> None:
        if self.is_silent:
            raise Unavailable("the tracking server does not answer")
