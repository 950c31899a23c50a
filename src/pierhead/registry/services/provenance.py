"""Where versions come from: resolved by the server, recorded once, and looked after."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.services.pins import Pins
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound, Unavailable
from pierhead.registry.domain.gate import ProvenanceState
from pierhead.registry.domain.models import ModelVersion, VersionDraft
from pierhead.registry.domain.policies import Provenance as Mode
from pierhead.registry.domain.provenance import Provenance, Record, Resolution, late_claims
from pierhead.registry.domain.sources import find_version_source
from pierhead.registry.domain.training_inputs import fix_lines
from pierhead.registry.services.origins import Claimed, Origins
from pierhead.registry.services.training_data import TrainingData
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.provenance import ProvenanceStore


class Provenances:
    """Use cases that ask MLflow's server and open tables, and so are never called within a transaction, except where
    a connection is a parameter."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        origins: Origins,
        data: TrainingData,
        mode_of: Callable[[str], Mode],
    ) -> None:
        """`mode_of` tells for a model's name how much its provenance matters."""
        self._database = database
        self._clock = clock
        self._origins = origins
        self._data = data
        self._mode_of = mode_of

    def look_at_new(
        self, made: VersionDraft | ModelVersion, files_digest: str, copied: ModelVersion | None = None
    ) -> Resolution:
        """What is to be recorded of a version that is about to be registered; `copied` is what it is a copy of.

        Raises InvalidArgument, or Unavailable, if the model's policy wants the training data at once and it is not
        there.
        """
        claimed = Claimed.of(made, files_digest)
        try:
            found = self._followed(copied) or self._resolve(claimed)
        except Unavailable as error:
            if self._mode_of(claimed.model_name) is Mode.REQUIRE_AT_CREATE:
                raise
            return Resolution(ProvenanceState.PENDING, run_id=claimed.run_id, messages=(error.message,))
        is_required = self._mode_of(claimed.model_name) is Mode.REQUIRE_AT_CREATE
        if is_required and found.state is not ProvenanceState.COMPLETE:
            raise InvalidArgument(
                f"model '{claimed.model_name}' takes no version without the version of its training data: "
                f"{'; '.join(found.messages)}. Log it in the run before the model is registered:\n{fix_lines()}"
            )
        return found

    def record(self, connection: Connection, version: ModelVersion, found: Resolution) -> Provenance:
        """Keep what was found, and pin the tables if it is complete; what is complete already stays."""
        now = self._clock.now()
        record = _record(version, found)
        provenance = Provenance(
            state=found.state,
            run_id=found.run_id,
            run_user=found.run_user,
            messages=found.messages,
            checked_at=now,
            record=record,
            completed_at=None if record is None else now,
        )
        store = ProvenanceStore(connection)
        store.put(version.id, provenance)
        kept = store.find(version.id) or provenance
        if record is not None and kept.record == record:
            self._pin(connection, version, record)
        note(provenance=kept.state.value, provenance_digest=kept.digest)
        return kept

    def refresh(self, name: str, number: int) -> Provenance:
        """Look again at where a version comes from, and at whether its recorded data is still there.

        Raises NotFound, or InvalidState unless the version is READY. While MLflow's server does not answer, what is
        known stays.
        """
        with self._database.reading() as connection:
            version = Versions(connection, self._clock).get(name, number)
            known = ProvenanceStore(connection).find(version.id)
            copied = _find_copied(connection, self._clock, version)
        claimed = Claimed.of(version, version.digest)
        try:
            found = (
                self._resolve(claimed) if known and known.record else self._followed(copied) or self._resolve(claimed)
            )
        except Unavailable as error:
            if known is not None and known.record is None:
                return replace(known, messages=(error.message,))
            found = Resolution(ProvenanceState.PENDING, run_id=version.run_id, messages=(error.message,))
        if known is not None and known.record is not None:
            return self._look_after(version, known, known.record, found)
        with self._database.transaction() as connection:
            return self.record(connection, version, found)

    def release(self, connection: Connection, version_ids: Iterable[str]) -> None:
        """Let go of the tables of versions that are deleted, except of those that were live once: what was live stays
        explainable."""
        store, pins = ProvenanceStore(connection), Pins(connection, self._clock)
        for version_id in version_ids:
            if not store.was_live(version_id):
                pins.release(_holder(version_id))

    def _look_after(self, version: ModelVersion, known: Provenance, record: Record, found: Resolution) -> Provenance:
        late = tuple(sorted({*known.late, *late_claims(record, found.claims)}))
        lost = tuple(self._data.find_lost(record.inputs))
        looked = replace(known, late=late, lost=lost, checked_at=self._clock.now())
        if (looked.late, looked.lost) == (known.late, known.lost):
            return looked
        with self._database.transaction() as connection:
            ProvenanceStore(connection).put_findings(version.id, looked)
        return looked

    def _followed(self, copied: ModelVersion | None) -> Resolution | None:
        """The origin's record as the copy's; None if there is nothing to follow."""
        if copied is None:
            return None
        with self._database.reading() as connection:
            known = ProvenanceStore(connection).find(copied.id)
        if known is None or known.record is None:
            return None
        record = known.record
        return Resolution(
            state=ProvenanceState.COMPLETE,
            run_id=record.run_id,
            run_user=record.run_user,
            messages=known.messages,
            inputs=record.inputs,
            code=record.code,
            environment_sha256=record.environment_sha256,
        )

    def _resolve(self, claimed: Claimed) -> Resolution:
        mode = self._mode_of(claimed.model_name)
        return self._origins.resolve(claimed, looks_at_inputs=mode is not Mode.OFF)

    def _pin(self, connection: Connection, version: ModelVersion, record: Record) -> None:
        for each in record.inputs:
            Pins(connection, self._clock).pin(
                Path(each.location),
                each.version,
                reason=f"version {version.number} of model '{version.model_name}' was trained on it",
                holder=_holder(version.id),
                manifest_sha256=each.manifest_sha256,
            )


def _holder(version_id: str) -> str:
    return f"model version {version_id}"


def _record(version: ModelVersion, found: Resolution) -> Record | None:
    if found.state is not ProvenanceState.COMPLETE or found.run_id is None or found.code is None:
        return None
    return Record(
        version_id=version.id,
        files_digest=version.digest,
        run_id=found.run_id,
        run_user=found.run_user or "",
        inputs=found.inputs,
        code=found.code,
        environment_sha256=found.environment_sha256,
    )


def _find_copied(connection: Connection, clock: Clock, version: ModelVersion) -> ModelVersion | None:
    """What a version is a copy of. The name in its source may belong to another model by now: that is none."""
    source = find_version_source(version.source)
    if source is None:
        return None
    try:
        origin = Versions(connection, clock).get_source(source)
    except NotFound:
        return None
    same = (origin.state, origin.run_id) == (version.state, version.run_id)
    return origin if same and origin.id != version.id else None
