"""A call on its way to MLflow's server: what it touches, whether the caller may, and in which form it passes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request

from pierhead.identity.domain.objects import Action
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import Caller
from pierhead.tracking.api import reading
from pierhead.tracking.domain.bodies import Check, Names, check_of, refuse_reserved
from pierhead.tracking.domain.claims import IfUnknown, Named, Thing, read_call, without
from pierhead.tracking.domain.doors import Door, Rule
from pierhead.tracking.domain.experiments import experiment_id
from pierhead.tracking.domain.graphql import read_query
from pierhead.tracking.domain.spans import refuse_reserved_tags, traces_of_json, traces_of_protobuf
from pierhead.tracking.services.rights import ExperimentRights

# Not the token, the cookies or the origin: the child knows no users, and refuses what looks like another site.
# Not content-encoding either: the child inflates without an end.
_PASSED_IN = ("accept", "content-type", "if-none-match", "if-modified-since", "range", "user-agent")

_EXPERIMENT_HEADER = "x-mlflow-experiment-id"
_RUN_HEADER = "x-mlflow-run-id"

_ASKING = ("GET", "HEAD")

# Longer bodies are looked through in a thread; with these the way there costs more than the work.
_QUICK_BYTES = 64 * 1024

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Outbound:
    """What goes to MLflow's server. `fields` is what we know of its query or body."""

    headers: dict[str, str]
    query: str = ""
    body: reading.Body = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Outbounds:
    """Makes calls fit to go on. Raises a PierheadError: what is wrong with the call, NotFound, PermissionDenied."""

    def __init__(self, rights: ExperimentRights) -> None:
        self._rights = rights

    async def of(self, request: Request, door: Door, stars: Sequence[str]) -> Outbound | None:
        """What to send; None if nothing that a search names exists, so that it finds nothing."""
        headers = {name: request.headers[name] for name in _PASSED_IN if name in request.headers}
        if door.rule is Rule.SPANS:
            return await self._spans(request, headers)
        reading.refuse_compressed(request)
        if door.rule is Rule.GRAPHQL:
            return await self._graphql(request, headers)
        if request.method in _ASKING:
            return await self._question(request, door, stars, headers)
        if _looks_into_body(door):
            return await self._order(request, door, stars, headers)
        await self._require(_caller(request), _named_by_path(door, stars))
        headers, body = await reading.as_it_is(request, headers)
        return Outbound(headers, body=body)

    async def _question(
        self, request: Request, door: Door, stars: Sequence[str], headers: dict[str, str]
    ) -> Outbound | None:
        """A GET. What it says in a body is left behind: MLflow's server would read that where there is no query."""
        if door.rule is Rule.OPEN:
            return Outbound(headers, reading.query_of(request))
        lists = {claim.steps[0].name for claim in door.claims if claim.steps and claim.steps[0].is_list}
        named, fields = read_call(door.claims, stars, reading.query_fields(request, lists))
        known = await self._allowed(_caller(request), door, named, fields)
        return None if known is None else Outbound(headers, urlencode(known, doseq=True), fields=known)

    async def _order(
        self, request: Request, door: Door, stars: Sequence[str], headers: dict[str, str]
    ) -> Outbound | None:
        """A call with a body that we look into. It goes on without its query, which MLflow's server does not read."""
        text = await reading.checked(request)
        caller = _caller(request)
        named, fields = await _worked(lambda: read_call(door.claims, stars, reading.json_object(text)), len(text))
        if door.rule is Rule.CREATE:
            await run_sync(self._rights.require_new, caller, _name_of(fields))
        known = await self._allowed(caller, door, named, fields)
        if known is None:
            return None
        check, names = _check(door.path), Names(caller.user_name, self._run_user(named))
        told = known if check is None else await _worked(lambda: check(names, known), len(text))
        return Outbound(headers, body=await _worked(lambda: reading.json_text(told), len(text)), fields=told)

    async def _graphql(self, request: Request, headers: dict[str, str]) -> Outbound:
        text = await reading.checked(request)
        named, fields = read_query(reading.json_object(text))
        await self._require(_caller(request), named)
        return Outbound(headers, body=reading.json_text(fields))

    async def _spans(self, request: Request, headers: dict[str, str]) -> Outbound:
        """Spans go into the experiment and the run that headers name, or into the trace that is there already."""
        given = request.headers.get(_EXPERIMENT_HEADER, "")
        if not given:
            raise InvalidArgument(f"missing value for required header '{_EXPERIMENT_HEADER}'")
        headers[_EXPERIMENT_HEADER] = experiment_id(given)
        named = [Named(Action.WRITE, Thing.EXPERIMENT, headers[_EXPERIMENT_HEADER])]
        if run := request.headers.get(_RUN_HEADER, ""):
            headers[_RUN_HEADER] = run
            named.append(Named(Action.WRITE, Thing.RUN, run))
        # Before the body comes, which may be long.
        await self._require(_caller(request), named)
        text = await reading.inflated(request)
        is_json = request.headers.get("content-type", "").split(";")[0].strip() == "application/json"
        traces, body = await _worked(lambda: _screened_json(text) if is_json else _screened(text), len(text))
        found = [Named(Action.WRITE, Thing.TRACE, id, IfUnknown.PASS) for id in sorted(traces)]
        await self._require(_caller(request), found)
        return Outbound(headers, body=body)

    async def _allowed(
        self, caller: Caller, door: Door, named: Sequence[Named], fields: dict[str, Any]
    ) -> dict[str, Any] | None:
        unknown = await self._require(caller, named)
        return without(door.claims, fields, unknown) if unknown else fields

    async def _require(self, caller: Caller, named: Sequence[Named]) -> frozenset[Named]:
        if self._rights.recall(caller, named):
            return frozenset()
        return await run_sync(self._rights.require, caller, named)

    def _run_user(self, named: Sequence[Named]) -> str | None:
        """Who made the run that the call writes to: known since the caller's right to it was looked up."""
        runs = [self._rights.whereabouts.run(each.id) for each in named if each.thing is Thing.RUN]
        return runs[0].user if runs and runs[0] is not None else None


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


@cache
def _check(path: str) -> Check | None:
    """The check for bodies of a door; there are as many paths as doors."""
    return check_of(f"/{path}")


def _looks_into_body(door: Door) -> bool:
    by_fields = any(claim.steps for claim in door.claims) or _check(door.path) is not None
    return by_fields or door.rule in (Rule.CREATE, Rule.LIST_EXPERIMENTS, Rule.LIST_DATASETS)


def _named_by_path(door: Door, stars: Sequence[str]) -> list[Named]:
    if door.path.endswith("/tags/*"):
        refuse_reserved(stars[-1])
    named, _ = read_call(door.claims, stars, {})
    return named


def _name_of(fields: Mapping[str, Any]) -> str:
    name = fields.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidArgument("missing value for required parameter 'name'")
    return name


async def _worked(work: Callable[[], _Result], size_bytes: int) -> _Result:
    return work() if size_bytes <= _QUICK_BYTES else await run_sync(work)


def _screened(body: bytes) -> tuple[frozenset[str], bytes]:
    refuse_reserved_tags(body)
    return traces_of_protobuf(body), body


def _screened_json(body: bytes) -> tuple[frozenset[str], bytes]:
    request = reading.json_of(body)
    traces, written = traces_of_json(request), reading.json_text(request)
    refuse_reserved_tags(written)
    return traces, written
