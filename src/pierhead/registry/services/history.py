"""What stood where and why: the answer to "what was in Production then, who asked, who approved, on what evidence"."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMINS
from pierhead.identity.domain.objects import Action
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import Conflict, InvalidArgument, InvalidState, NotFound, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.names import check_text
from pierhead.registry.domain.placements import Placement
from pierhead.registry.domain.requests import TransitionRequest
from pierhead.registry.domain.sources import authors_of
from pierhead.registry.domain.targets import Place
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.placements import PlacementStore
from pierhead.registry.store.provenance import ProvenanceStore
from pierhead.registry.store.requests import RequestStore
from pierhead.registry.store.versions import VersionStore


@dataclass(frozen=True, slots=True)
class Chapter:
    """A placement with the request that it fulfilled; None if nobody had asked."""

    placement: Placement
    request: TransitionRequest | None


class History:
    """Reads for one caller, within one transaction; it outlives the models that it tells of."""

    def __init__(self, connection: Connection, clock: Clock, caller: Caller) -> None:
        self._clock = clock
        self._caller = caller
        self._placements = PlacementStore(connection)
        self._requests = RequestStore(connection)
        self._models = ModelStore(connection)
        self._versions = VersionStore(connection)
        self._provenances = ProvenanceStore(connection)
        self._rights = ModelRights(connection, caller)

    def at(self, name: str, place: Place, at: datetime) -> list[Chapter]:
        """What stood there under this name at that moment, the newest last. Raises NotFound or PermissionDenied."""
        return self._chapters(name, place, self._placements.list_at(name, place, at))

    def of(self, name: str, place: Place) -> list[Chapter]:
        """All that ever stood there under this name, the newest last. Raises NotFound or PermissionDenied."""
        return self._chapters(name, place, self._placements.list_of_name(name, place))

    def emergencies(self) -> list[Placement]:
        """Break-glass promotions that nobody reviewed yet and whose models the caller may read, the oldest first."""
        return [placement for placement in self._placements.list_emergencies() if self._may_read(placement.model_id)]

    def review(self, placement_id: str, comment: str) -> Placement:
        """Say that a break-glass promotion was looked at.

        Raises NotFound, InvalidArgument without a comment, InvalidState if it was reviewed before, Conflict if somebody
        reviews it at the same time, or PermissionDenied for who is not asked to review it, or is who broke the glass.
        """
        if not comment.strip():
            raise InvalidArgument("a review needs a comment: say what you found")
        check_text("comment", comment)
        placement = self._placements.find(placement_id)
        if placement is None or placement.emergency is None:
            raise NotFound(
                f"there is no break-glass promotion {placement_id!r}; `pierhead models emergencies` lists them"
            )
        emergency = placement.emergency
        if emergency.reviewed_at is not None:
            raise InvalidState(f"{emergency.reviewed_by} reviewed this at {emergency.reviewed_at:%Y-%m-%d %H:%M} UTC")
        if not self._caller.groups & frozenset(emergency.groups):
            raise PermissionDenied(f"this is reviewed by group {' or '.join(emergency.groups)}")
        if self._caller.user_name == placement.by or self._caller.person == placement.person:
            raise PermissionDenied(f"{placement.by} broke the glass; somebody else has to review it")
        if self._caller.person in self._authors(placement):
            raise PermissionDenied(f"{self._caller.person} made this version; somebody else has to review it")
        is_first = self._placements.review(placement_id, self._clock.now(), self._caller.user_name, comment)
        found = self._placements.find(placement_id)
        assert found is not None
        assert found.emergency is not None
        if not is_first:
            raise Conflict(
                f"{found.emergency.reviewed_by} reviewed break-glass promotion {placement_id!r} at the same time; "
                "that review stands, and yours is not kept"
            )
        note(decision="reviewed", object=f"{placement.model_name}/{placement.number}")
        return found

    def _authors(self, placement: Placement) -> frozenset[str]:
        """The persons behind the version and its run: those of then, and whoever else is known now."""
        version = self._versions.find_by_id(placement.version_id)
        provenance = self._provenances.find(placement.version_id)
        run_user = None if provenance is None else provenance.run_user
        known = frozenset(authors_of(version) if version else ()) | frozenset([run_user] if run_user else ())
        return known | frozenset(placement.evidence.get("authors", ()))

    def _chapters(self, name: str, place: Place, placements: Sequence[Placement]) -> list[Chapter]:
        self._require_reading(name, place)
        ids = [placement.request_id for placement in placements if placement.request_id is not None]
        requests = {request.id: request for request in self._requests.list_by_ids(ids)}
        return [
            Chapter(placement, requests.get(placement.request_id or ""))
            for placement in placements
            if self._may_read(placement.model_id)
        ]

    def _require_reading(self, name: str, place: Place) -> None:
        """Of a name that is no model's any more, each placement decides for itself."""
        if self._models.find(name) is not None or not self._placements.list_of_name(name, place):
            self._rights.require(Action.READ, name)

    def _may_read(self, model_id: str) -> bool:
        """Models that are gone have no rights left: their history is for admins."""
        model = self._models.find_by_id(model_id)
        return ADMINS in self._caller.groups if model is None else self._rights.may(Action.READ, model)
