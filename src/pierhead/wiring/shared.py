"""What api and controller need alike."""

from pathlib import Path

from pierhead.identity.services.audit import recording
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock, SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.registry.domain.names import version_number
from pierhead.registry.services.versions import Versions
from pierhead.serving.ports import ServableVersion


def open_database(settings: Settings, home: Home) -> Database:
    return Database(settings.database_url or sqlite_url(home.database), recording(SystemClock()))


def checkpoint_file(settings: Settings, home: Home) -> Path:
    """Where the audit trail's checkpoints lie."""
    return Path(settings.audit_checkpoints or home.audit / "checkpoints.jsonl").expanduser()


class RegistryVersions:
    """Serving's `ModelVersions`, filled by the registry. Every call is a transaction of its own."""

    def __init__(self, database: Database, clock: Clock, artifacts: ArtifactStore, models: Path) -> None:
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._models = models

    def get(self, model_name: str, model_version: str) -> ServableVersion:
        with self._database.reading() as connection:
            version = Versions(connection, self._clock).get(model_name, version_number(model_version))
        files = self._artifacts.manifest(version.digest).files
        size_bytes = sum(file.size_bytes for file in files)
        return ServableVersion(version.model_name, str(version.number), version.digest, size_bytes)

    def folder(self, digest: str) -> Path:
        return self._artifacts.lay_out(digest, self._models)
