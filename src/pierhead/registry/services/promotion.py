"""What makes a version live: its stage and its aliases. Every door comes through here, and through nothing else."""

import structlog
from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.names import check_alias
from pierhead.registry.domain.stages import Stage, check_archiving
from pierhead.registry.services.models import Models
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore

log = structlog.get_logger()


class Promotions:
    """Use cases on stages and aliases, within the caller's transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._versions = Versions(connection, clock)
        self._model_rows = ModelStore(connection)
        self._version_rows = VersionStore(connection)

    def transition(
        self, name: str, number: int, stage: Stage, *, archive_existing: bool, by: str, comment: str | None = None
    ) -> ModelVersion:
        """Move a version to `stage`; with `archive_existing` the versions that were there become Archived.

        Raises NotFound, InvalidState unless the version is READY, or InvalidArgument if this stage archives nothing.
        """
        if archive_existing:
            check_archiving(stage)
        version = self._ready(name, number)
        now = self._clock.now()
        if archive_existing:
            self._version_rows.move_others(version, stage, Stage.ARCHIVED, now)
        self._version_rows.set_stage(version.id, stage, now)
        self._model_rows.touch(version.model_id, now)
        log.info("stage changed", model=name, version=number, stage=stage.value, by=by, comment=comment)
        return self._versions.get(name, number)

    def set_alias(self, name: str, alias: str, number: int, *, by: str) -> ModelVersion:
        """Point an alias to a version. Raises NotFound, InvalidArgument, or InvalidState unless it is READY."""
        check_alias(alias)
        version = self._ready(name, number)
        self._model_rows.set_alias(version.model_id, alias, version.id)
        log.info("alias set", model=name, version=number, alias=alias, by=by)
        return self._versions.get(name, number)

    def delete_alias(self, name: str, alias: str, *, by: str) -> None:
        """Harmless if there is no such alias. Raises NotFound for the model."""
        model = Models(self._connection, self._clock).get(name)
        self._model_rows.find_locked(name)
        self._model_rows.delete_alias(model.id, alias)
        log.info("alias deleted", model=name, alias=alias, by=by)

    def _ready(self, name: str, number: int) -> ModelVersion:
        self._model_rows.find_locked(name)
        version = self._versions.get(name, number)
        # Asking for the digest is what refuses a version without files.
        _ = version.digest
        return version
