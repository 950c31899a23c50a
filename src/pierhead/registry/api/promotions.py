"""`/2.0/pierhead/models/*`: what the official clients lack: the gate's word beforehand, memory, and break-glass."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call, Routes
from pierhead.registry.api.gated import GatedCalls
from pierhead.registry.api.guards import needs, needs_nothing
from pierhead.registry.api.promotions_wire import (
    chapters_json,
    outcome_json,
    placement_json,
    preview_json,
    request_row_json,
)
from pierhead.registry.api.read import read_version
from pierhead.registry.api.transition_requests import actions_on
from pierhead.registry.api.transition_requests_wire import activity_json
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.targets import Place, parse_place
from pierhead.registry.services.activities import Activities
from pierhead.registry.services.history import History
from pierhead.registry.services.outcomes import Awaiting
from pierhead.registry.services.versions import Versions

_ROOT = "/2.0/pierhead/"
_MODEL = _ROOT + "models/{name}"
_VERSION = _MODEL + "/versions/{version}"


class PromotionCalls:
    """Handlers. A place is a stage, or an alias after an `@`."""

    def __init__(self, clock: Clock, gated: GatedCalls) -> None:
        self._clock = clock
        self._gated = gated

    def add_routes(self, routes: Routes) -> None:
        reads = needs(Action.READ)
        preview = self._gated.looking(read_version, self.preview)
        promote = self._gated.deciding(read_version, self.promote)
        routes.add_plain("GET", _VERSION + "/promotion", preview, guard=reads)
        routes.add_plain("POST", _VERSION + "/promote", promote, guard=reads)
        for method, path, handler, guard in (
            ("GET", _VERSION + "/activities", self.activities, reads),
            # Whose history outlived the model itself is decided in the service.
            ("GET", _MODEL + "/history", self.history, needs_nothing),
            ("GET", _ROOT + "transition-requests", self.requests, needs_nothing),
            ("GET", _ROOT + "break-glass", self.emergencies, needs_nothing),
            ("POST", _ROOT + "break-glass/{id}/review", self.review, needs_nothing),
        ):
            routes.add(method, path, handler, guard=guard)

    def preview(self, call: Call, connection: Connection) -> dict[str, Any]:
        place = _to(call)
        version, verdict = self._gated.promotions(call, connection).preview(*read_version(call), place)
        return preview_json(version, place, verdict.examination, verdict.request)

    def promote(self, call: Call, connection: Connection) -> dict[str, Any]:
        place = _to(call)
        outcome = self._gated.promotions(call, connection).move(
            *read_version(call),
            place,
            archive_existing=call.flag("archive_existing_versions", _archives(place)),
            comment=call.find_text("comment"),
            break_glass=call.find_text("break_glass_reason"),
        )
        if isinstance(outcome, Awaiting):
            return outcome_json(outcome.version, place, "counted", outcome.message)
        said = "it was there already" if outcome.activity is None else outcome.activity.system_comment or ""
        return outcome_json(outcome.version, place, "applied", said)

    def activities(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = Versions(connection, self._clock).get(*read_version(call))
        found = Activities(connection, self._clock).list(version)
        return {"activities": [activity_json(activity) for activity in found]}

    def history(self, call: Call, connection: Connection) -> dict[str, Any]:
        name, place = call.text("name"), _to(call)
        history, at = self._history(call, connection), _moment(call)
        found = history.of(name, place) if at is None else history.at(name, place, at)
        return {"history": chapters_json(found)}

    def requests(self, call: Call, connection: Connection) -> dict[str, Any]:
        requests = self._gated.requests(call, connection)
        found = requests.list_of_model(call.find_text("name") or None)
        return {"requests": [request_row_json(request, actions_on(request, call, requests)) for request in found]}

    def emergencies(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"promotions": [placement_json(each) for each in self._history(call, connection).emergencies()]}

    def review(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {
            "promotion": placement_json(self._history(call, connection).review(call.text("id"), call.text("comment")))
        }

    def _history(self, call: Call, connection: Connection) -> History:
        return History(connection, self._clock, call.caller)


def _to(call: Call) -> Place:
    return parse_place(call.text("to")) if call.find_text("to") else parse_place(Stage.PRODUCTION.value)


def _archives(place: Place) -> bool:
    """Unless told otherwise, what is promoted takes the place of what was there."""
    return place == parse_place(Stage.PRODUCTION.value)


def _moment(call: Call) -> datetime | None:
    """`at`, as milliseconds since 1970 or in ISO 8601; without a zone it is UTC."""
    text = call.find_text("at")
    if not text:
        return None
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        moment = datetime.fromisoformat(text)
        # Whatever has no moment in UTC cannot be compared.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidArgument(
            f"parameter 'at' must be a time like 2026-03-31T12:00:00Z, or milliseconds since 1970, not {text!r}"
        ) from None
