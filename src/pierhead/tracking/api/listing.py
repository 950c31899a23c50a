"""Lists of experiments and of datasets, of which a caller sees what they may read.

MLflow's server counts in what is not shown. Its pages are read and counted anew, from the first, so that neither the
length of a page nor its token tells how much lies between two names.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from pierhead.identity.domain.objects import Experiment, Readable
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import Caller, Client, client_of
from pierhead.kit.web.render import json_response
from pierhead.tracking.api.inbound import failure
from pierhead.tracking.api.outbound import Outbound
from pierhead.tracking.api.reading import json_text
from pierhead.tracking.domain.doors import Door, Rule
from pierhead.tracking.domain.experiments import OWNER_TAG
from pierhead.tracking.domain.fields import in_one_spelling
from pierhead.tracking.domain.rewriting import LocationRewriter
from pierhead.tracking.services.child import Child
from pierhead.tracking.services.rights import ExperimentRights

Shows = Callable[[Mapping[str, Any]], bool]

_READ_AT_ONCE = 1000
_MOST_RESULTS = 50_000
_NAMES = ("max_results", "page_token", "order_by", "view_type", "filter_string")


class Listings:
    """Answers of searches whose answers must be filtered."""

    def __init__(self, child: Child, rights: ExperimentRights) -> None:
        self._child = child
        self._rights = rights

    async def filtered(self, request: Request, door: Door, outbound: Outbound, path: str) -> Response | None:
        """The answer; None if the caller may read everything, so that MLflow's own answer will do."""
        caller: Caller = request.state.caller
        readable = await run_sync(self._rights.readable, caller)
        if readable.everything:
            return None
        if door.rule is Rule.LIST_EXPERIMENTS:
            return await self._pages(request, outbound, path, "experiments", lambda item: _shows(readable, item))
        return await self._pages(request, outbound, path, "datasets", lambda item: self._shows_dataset(readable, item))

    def _shows_dataset(self, readable: Readable, item: Mapping[str, Any]) -> bool:
        return self._rights.shows_dataset(readable, item["dataset_id"])

    async def _pages(self, request: Request, outbound: Outbound, path: str, key: str, shows: Shows) -> Response:
        fields = dict(outbound.fields)
        for name in _NAMES:
            fields = in_one_spelling(fields, name)
        if isinstance(fields.get("order_by"), str):
            fields["order_by"] = [fields["order_by"]]
        count, start = _count(fields.pop("max_results", None), key), _start(fields.pop("page_token", None))
        shown: list[Any] = []
        token = ""
        while len(shown) <= start + count:
            page = await self._page(outbound, path, {**fields, "max_results": _READ_AT_ONCE, "page_token": token})
            if isinstance(page, Response):
                return page
            shown += await run_sync(_kept, page.get(key, []), shows)
            token = page.get("next_page_token", "")
            if not token:
                break
        answer: dict[str, Any] = {key: shown[start : start + count]}
        if len(shown) > start + count:
            answer["next_page_token"] = _token(start + count)
        return _rendered(request, answer)

    async def _page(self, outbound: Outbound, path: str, fields: Mapping[str, Any]) -> dict[str, Any] | Response:
        headers = {**outbound.headers, "content-type": "application/json"}
        async with self._child.ask("POST", path, "", headers, json_text(fields)) as answer:
            if answer.status >= 400:
                return await failure(answer)
            page: dict[str, Any] = orjson.loads(await answer.read())
            return page


def _kept(items: Sequence[Any], shows: Shows) -> list[Any]:
    return [item for item in items if shows(item)]


def _shows(readable: Readable, item: Mapping[str, Any]) -> bool:
    owners = [tag["value"] for tag in item.get("tags", ()) if tag["key"] == OWNER_TAG]
    return readable.covers(Experiment(item["experiment_id"], owners[0] if owners else None))


def _count(value: Any, key: str) -> int:
    if value is None and key == "datasets":
        return _READ_AT_ONCE
    try:
        count = 0 if isinstance(value, bool) else int(value)
    except (TypeError, ValueError):
        count = 0
    if not 1 <= count <= _MOST_RESULTS:
        raise InvalidArgument(f"parameter 'max_results' must be a number from 1 to {_MOST_RESULTS}, not {value!r}")
    return count


def _start(token: Any) -> int:
    """Tokens are as MLflow's, but count only what is shown."""
    if not token:
        return 0
    try:
        offset = json.loads(base64.b64decode(token, validate=True))["offset"]
        if isinstance(offset, int) and offset >= 0:
            return offset
    except (TypeError, KeyError, ValueError, binascii.Error):
        pass
    raise InvalidArgument("page_token is not one of ours; use next_page_token of the page before")


def _token(offset: int) -> str:
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def _rendered(request: Request, answer: Mapping[str, Any]) -> Response:
    if client_of(request.headers.get("user-agent", "")) is not Client.DATABRICKS:
        return json_response(answer)
    rewriter = LocationRewriter()
    return Response(rewriter.feed(orjson.dumps(answer)) + rewriter.end(), media_type="application/json")
