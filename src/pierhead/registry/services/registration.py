"""Bringing a version's files into the registry, where they never change again."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.bounded_yaml import MOST_BYTES
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.mlmodel import find_run_id
from pierhead.registry.domain.models import Failed, ModelVersion, Pending, Ready, VersionDraft
from pierhead.registry.domain.names import is_prompt
from pierhead.registry.domain.sources import authors_of, copy_of, find_version_source, logged_model_of
from pierhead.registry.ports import Sources
from pierhead.registry.services.gatekeeping import GateSources
from pierhead.registry.services.models import Models
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.provenance import Provenances
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.versions import Versions, check_draft
from pierhead.registry.store.provenance import ProvenanceStore


class Registrations:
    """Use cases on files: they open transactions of their own, and never hold one while they copy.

    `pending` is where the files of PENDING versions wait: `VERSION_ID/`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        artifacts: ArtifactStore,
        sources: Sources,
        pending: Path,
        gate: GateSources,
        provenances: Provenances,
    ) -> None:
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._sources = sources
        self._pending = pending
        self._gate = gate
        self._provenances = provenances

    def register(self, draft: VersionDraft, *, by: Caller) -> ModelVersion:
        """A version that is READY at once: its files are copied from `draft.source`, wherever in our reach that is.

        Raises NotFound, InvalidArgument, InvalidState if the source is a version that is not READY, or PermissionDenied
        if it is one that the caller may not read.
        """
        check_draft(draft)
        with self._database.reading() as connection:
            Models(connection, self._clock).get(draft.model_name)
            origin = self._find_origin(connection, draft, by)
        if origin is not None:
            draft, digest = copy_of(draft, origin), origin.digest
        elif is_prompt(draft.tags):
            # A prompt's text is one of its tags; it has no files.
            digest = self._artifacts.add_manifest((), self._clock.now())
        else:
            draft, digest = self._bring_in(draft, by)
        found = None if is_prompt(draft.tags) else self._provenances.look_at_new(draft, digest, origin)
        with self._database.transaction() as connection:
            version = Versions(connection, self._clock).add(draft, Ready(digest), by=by)
            if found is not None:
                self._provenances.record(connection, version, found)
            return version

    def announce(self, draft: VersionDraft, *, by: Caller) -> ModelVersion:
        """A PENDING version, to be filled with uploads and finalized.

        Raises NotFound, InvalidArgument, or PermissionDenied if the caller may not read what they name as its origin.
        """
        check_draft(draft)
        with self._database.reading() as connection:
            origin = self._find_origin(connection, draft, by)
        for model_id in {draft.logged_model_id, logged_model_of(draft.source)}:
            self._sources.require_origin(draft.run_id, model_id, by=by)
        if origin is not None:
            draft = replace(draft, authors=authors_of(origin))
        with self._database.transaction() as connection:
            return Versions(connection, self._clock).add(draft, Pending(), by=by)

    def _find_origin(self, connection: Connection, draft: VersionDraft, by: Caller) -> ModelVersion | None:
        source = find_version_source(draft.source)
        if source is None:
            return None
        ModelRights(connection, by).require(Action.READ, source.name)
        return Versions(connection, self._clock).get_source(source)

    def _bring_in(self, draft: VersionDraft, by: Caller) -> tuple[VersionDraft, str]:
        folder = self._sources.locate(draft.source, run_id=draft.run_id, model_id=draft.logged_model_id, by=by)
        digest = self._artifacts.add_tree(folder, self._clock.now())
        if not self._artifacts.manifest(digest).files:
            raise InvalidArgument(f"the source '{draft.source}' holds no files; log a model there first")
        return replace(draft, run_id=draft.run_id or self._logged_run_id(digest)), digest

    def _logged_run_id(self, digest: str) -> str | None:
        file = self._artifacts.manifest(digest).find("MLmodel")
        if file is None or file.size_bytes > MOST_BYTES:
            return None
        return find_run_id(self._artifacts.file(file.sha256).read_bytes())

    def finalize(self, name: str, number: int, *, by: Caller) -> ModelVersion:
        """Take the uploaded files of a PENDING version over; it becomes READY. Harmless if it is READY already.

        Raises NotFound, PermissionDenied for whoever did not begin the version, or InvalidState if nothing was
        uploaded: the version has failed then for good.
        """
        with self._database.reading() as connection:
            version = Versions(connection, self._clock).get(name, number)
        if version.state != Pending():
            _ = version.digest
            return version
        if version.user_name != by.user_name:
            raise PermissionDenied(
                f"version {number} of model '{name}' is being filled by {version.user_name}, who alone finalizes it"
            )
        folder = self._pending / version.id
        state = self._take_over(folder)
        found = self._provenances.look_at_new(version, state.digest) if isinstance(state, Ready) else None
        with self._database.transaction() as connection:
            version = Versions(connection, self._clock).leave_pending(version, state)
            # The same call may have been faster with other files: what was found is about ours.
            if found is not None and version.state == state:
                self._provenances.record(connection, version, found)
        shutil.rmtree(folder, ignore_errors=True)
        # Raises if the version failed.
        _ = version.digest
        return version

    def delete_version(self, name: str, number: int, *, by: Caller) -> None:
        """Delete a version, and what was uploaded for it if it is PENDING. Raises NotFound or GateClosed."""
        with self._database.transaction() as connection:
            version = Promotions(connection, by, self._gate).delete_version(name, number)
            self._provenances.release(connection, [version.id])
        self._drop_uploads([version.id])

    def delete_model(self, name: str, *, by: Caller) -> None:
        """Delete a model with its versions, and what was uploaded for PENDING ones. Raises NotFound or GateClosed."""
        with self._database.transaction() as connection:
            recorded = ProvenanceStore(connection).list_recorded(name)
            pending = Promotions(connection, by, self._gate).delete_model(name)
            self._provenances.release(connection, recorded)
        self._drop_uploads(pending)

    def _drop_uploads(self, version_ids: Sequence[str]) -> None:
        for version_id in version_ids:
            shutil.rmtree(self._pending / version_id, ignore_errors=True)

    def _take_over(self, folder: Path) -> Ready | Failed:
        if not folder.is_dir():
            return _EMPTY
        try:
            digest = self._artifacts.add_tree(folder, self._clock.now())
        except InvalidArgument as error:
            return Failed(error.message)
        except FileNotFoundError:
            # The same call by somebody else has just cleared the folder away: the version has its final state
            # already, and keeps it.
            return _EMPTY
        return Ready(digest) if self._artifacts.manifest(digest).files else _EMPTY


_EMPTY = Failed("it was finalized before any of its files was uploaded; register it again")
