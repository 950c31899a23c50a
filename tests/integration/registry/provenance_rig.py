"""A registry whose runs and tables a test makes up: real Delta tables, a real database, a tracking server in memory."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from registry_world import ADA, MLMODEL, World

from fakes.runs import FakeRuns
from pierhead.catalog.services.pins import Pins
from pierhead.kit.db import Database
from pierhead.kit.names import FullName
from pierhead.registry.domain.models import ModelVersion, VersionDraft
from pierhead.registry.domain.policies import Provenance as Mode
from pierhead.registry.domain.provenance import Provenance
from pierhead.registry.services.origins import Origins
from pierhead.registry.services.provenance import Provenances
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.training_data import TrainingData

NAME = "main.churn.classifier"
TABLE = "main.churn.training"


class FolderTables:
    """The registry's `TrainingTables`: names are given by the test; below `kept` our vacuum runs."""

    def __init__(self, kept: Path) -> None:
        self.kept = Path(os.path.realpath(kept))
        self.names: dict[str, Path] = {}

    def find_location(self, name: FullName) -> Path | None:
        return self.names.get(str(name))

    def may_open(self, path: Path) -> bool:
        return not path.is_relative_to(self.kept.parent / "secret")

    def is_kept(self, location: Path) -> bool:
        return location.is_relative_to(self.kept)


class Rig:
    """`provenances` is what tests are about; `world` has the doors and the files."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.world = World(folder, database)
        self.database = database
        self.runs = FakeRuns()
        self.tables = FolderTables(folder / "tables")
        self.mode = Mode.REQUIRE_FOR_PRODUCTION
        self.data = TrainingData(self.tables)
        origins = Origins(self.world.artifacts, self.runs, self.data)
        self.provenances = Provenances(database, self.world.clock, origins, self.data, lambda _name: self.mode)
        self.world.registrations = Registrations(
            database,
            self.world.clock,
            self.world.artifacts,
            self.world.sources,
            self.world.pending,
            self.world.gate,
            self.provenances,
        )

    def table(self, name: str = TABLE, versions: int = 1) -> Path:
        """A Delta table of so many versions: version N holds the rows 0 to N, rewritten each time."""
        path = self.tables.kept / name.replace(".", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        for version in range(versions):
            write_deltalake(path, pa.table({"a": list(range(version + 1))}), mode="overwrite")
        self.tables.names[name] = path
        return path

    def register(self, name: str = NAME, run_id: str | None = "r1", **draft: Any) -> ModelVersion:
        """A version from the run; its MLmodel file says so too."""
        source = draft.pop("source", "models:/m-1")
        written = MLMODEL.replace("0123456789abcdef0123456789abcdef", run_id or "none")
        if source.startswith("models:/m-"):
            self.world.logged_model(source, {"MLmodel": written, "requirements.txt": "pandas==2.0\n"})
        return self.world.register(name, source, run_id=run_id, **draft)

    def refresh(self, version: ModelVersion) -> Provenance:
        return self.provenances.refresh(version.model_name, version.number)

    def pinned(self, path: Path) -> frozenset[int]:
        with self.database.reading() as connection:
            return Pins(connection, self.world.clock).versions_of(path)

    def delete(self, version: ModelVersion) -> None:
        self.world.registrations.delete_version(version.model_name, version.number, by=ADA)


def rows_of(path: Path, version: int) -> list[int]:
    found: list[int] = DeltaTable(path, version=version).to_pyarrow_table()["a"].to_pylist()
    return found


def draft(name: str = NAME, source: str = "models:/m-1", **fields: Any) -> VersionDraft:
    return VersionDraft(name, source, **fields)
