"""In which experiment things lie, read from MLflow's own database and never written.

The server could be asked, but not for a tenth of the price, and each call asks once at least.
"""

import os
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pierhead.identity.domain.objects import Experiment
from pierhead.kit.errors import Unavailable
from pierhead.tracking.domain.bodies import USER_TAG
from pierhead.tracking.domain.claims import Thing
from pierhead.tracking.domain.experiments import OWNER_TAG

# Of each kind; some 200 bytes each.
_MOST_REMEMBERED = 50_000

_PATIENCE_S = 5

_EXPERIMENT = """
SELECT e.experiment_id, t.value FROM experiments e
LEFT JOIN experiment_tags t ON t.experiment_id = e.experiment_id AND t.key = ? WHERE e.experiment_id = ?
"""
_RUN = """
SELECT r.experiment_id, t.value FROM runs r
LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ? WHERE r.run_uuid = ?
"""
_NAME = "SELECT experiment_id FROM experiments WHERE name = ?"
_MODEL = "SELECT experiment_id FROM logged_models WHERE model_id = ?"
_TRACE = "SELECT experiment_id FROM trace_info WHERE request_id = ?"
_ASSESSMENT = """
SELECT t.experiment_id FROM assessments a JOIN trace_info t ON t.request_id = a.trace_id WHERE a.assessment_id = ?
"""
_DATASET = """
SELECT d.dataset_id, a.destination_id FROM evaluation_datasets d
LEFT JOIN entity_associations a ON a.source_id = d.dataset_id AND a.source_type = 'evaluation_dataset'
    AND a.destination_type = 'experiment'
WHERE d.dataset_id = ?
"""
_BY_ID = {
    Thing.EXPERIMENT_NAME: _NAME,
    Thing.MODEL: _MODEL,
    Thing.TRACE: _TRACE,
    Thing.ASSESSMENT: _ASSESSMENT,
}


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run lies, and who made it; neither ever changes. `user` is None for runs that did not come through us."""

    experiment_id: str
    user: str | None


class Whereabouts:
    """Looks things up, whatever their state: what is deleted keeps its place. Safe for threads; a question takes
    some ten microseconds.

    Everything raises Unavailable while the database is not there.
    """

    def __init__(self, database: Path) -> None:
        self._path = database
        self._lock = threading.Lock()
        self._is_there = False
        self._opened: tuple[tuple[int, int], sqlite3.Connection] | None = None
        self._runs: dict[str, RunPlace] = {}
        self._models: dict[str, str] = {}

    def is_there(self) -> bool:
        """Whether the server has made its database; it does so at its first start."""
        self._is_there = self._is_there or self._has_tables()
        return self._is_there

    def _has_tables(self) -> bool:
        try:
            self._rows("SELECT 1 FROM experiments LIMIT 1")
        except Unavailable:
            return False
        return True

    def experiment(self, id: str) -> Experiment | None:
        """The experiment with its owner; `id` is in canonical form."""
        row = self._row(_EXPERIMENT, OWNER_TAG, int(id))
        return None if row is None else Experiment(str(row[0]), row[1])

    def run(self, id: str) -> RunPlace | None:
        """Where the run of this id lies."""
        known = self._runs.get(id)
        if known is None and (row := self._row(_RUN, USER_TAG, id)) is not None:
            known = RunPlace(str(row[0]), row[1])
            _remember(self._runs, id, known)
        return known

    def experiments_of(self, thing: Thing, id: str) -> tuple[str, ...] | None:
        """Ids of the experiments that hold a thing; None if it does not exist. Datasets alone lie in any number."""
        known = self.remembered(thing, id)
        if known is not None:
            return (known,)
        match thing:
            case Thing.EXPERIMENT:
                experiment = self.experiment(id)
                return None if experiment is None else (experiment.id,)
            case Thing.RUN:
                run = self.run(id)
                return None if run is None else (run.experiment_id,)
            case Thing.DATASET:
                rows = self._rows(_DATASET, id)
                return tuple(str(row[1]) for row in rows if row[1] is not None) if rows else None
        row = self._row(_BY_ID[thing], id)
        if row is None:
            return None
        if thing is Thing.MODEL:
            _remember(self._models, id, str(row[0]))
        return (str(row[0]),)

    def remembered(self, thing: Thing, id: str) -> str | None:
        """The experiment of a run or a logged model, if that is known without asking: they never move."""
        if thing is Thing.RUN:
            run = self._runs.get(id)
            return None if run is None else run.experiment_id
        return self._models.get(id) if thing is Thing.MODEL else None

    def _row(self, query: str, *values: object) -> Any:
        rows = self._rows(query, *values)
        return rows[0] if rows else None

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            with self._lock:
                return self._connection().execute(query, values).fetchall()
        except (sqlite3.OperationalError, FileNotFoundError) as error:
            raise Unavailable(f"the tracking server's database cannot be read ({error}); try again") from error

    def _connection(self) -> sqlite3.Connection:
        seen = os.stat(self._path)  # noqa: PTH116 - half the price of a Path's
        identity = (seen.st_dev, seen.st_ino)
        if self._opened is None:
            # Read-only, and idle between questions, so it holds up neither MLflow's server nor an upgrade.
            where = f"{self._path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(
                where, uri=True, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            self._opened = (identity, connection)
        if self._opened[0] != identity:
            # Whoever goes on reading the old file grants rights on what has become something else.
            raise Unavailable(f"{self._path} was replaced while the platform runs; restart it")
        return self._opened[1]


def _remember(into: dict[str, Any], key: str, value: object) -> None:
    if len(into) >= _MOST_REMEMBERED:
        into.clear()
    into[key] = value
