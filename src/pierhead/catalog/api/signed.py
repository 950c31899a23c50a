"""Signed addresses: transfers by whoever holds one, without a token."""

from datetime import datetime

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from pierhead.catalog.api.files import Endpoint, in_file_terms
from pierhead.catalog.api.transfers import body_of, file_answer
from pierhead.catalog.domain.transfers import Action, Grant, GrantExpired, expiry, seal, unseal
from pierhead.catalog.services.mounts import Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit import audit_context
from pierhead.kit.clock import Clock
from pierhead.kit.web.acting import actor_of
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes

# The words by which the clients know that a new address will do; any other refusal they take as final.
_EXPIRED = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"


class Signatures:
    """Makes signed addresses and opens them."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def address(
        self, base_url: str, action: Action, target: str, by: Caller, *, number: int = 0, until: datetime | None = None
    ) -> str:
        """The full address; `target` and `number` as in `Grant`."""
        grant = Grant(action, target, number, expiry(until, self._clock.now()), by)
        return f"{base_url}/signed/{action.value}/{seal(grant, self._key)}"

    def open(self, word: str, action: Action) -> Grant:
        """Raises PermissionDenied."""
        return unseal(word, self._key, action, self._clock.now())


def add_routes(routes: Routes, mounts: Mounts, uploads: Uploads, signatures: Signatures) -> None:
    """`/signed/ACTION/WORD`; these paths need no token."""
    doors = SignedDoors(mounts, uploads, signatures)
    for method, action, endpoint in (
        ("GET", Action.DOWNLOAD, doors.download),
        ("PUT", Action.UPLOAD, doors.upload),
        ("PUT", Action.UPLOAD_PART, doors.upload_part),
        ("DELETE", Action.ABORT, doors.abort),
    ):
        path = f"/signed/{action.value}/{{word}}"
        routes.add_streaming(method, path, _with_expiry(in_file_terms(endpoint)), prefixes=("",))


def _with_expiry(endpoint: Endpoint) -> Endpoint:
    async def wrapped(request: Request) -> Response:
        try:
            return await endpoint(request)
        except GrantExpired:
            return Response(_EXPIRED, status_code=403, media_type="application/xml")

    return wrapped


class SignedDoors:
    """One endpoint for each action."""

    def __init__(self, mounts: Mounts, uploads: Uploads, signatures: Signatures) -> None:
        self._mounts = mounts
        self._uploads = uploads
        self._signatures = signatures

    async def download(self, request: Request) -> Response:
        grant = self._open(request, Action.DOWNLOAD)
        return await file_answer(request, self._mounts.granted(grant.target), media_type="application/octet-stream")

    async def upload(self, request: Request) -> Response:
        grant = self._open(request, Action.UPLOAD)
        place = self._mounts.granted(grant.target)
        await self._uploads.put(body_of(request), place, overwrite=True, by=grant.caller)
        return Response(status_code=200)

    async def upload_part(self, request: Request) -> Response:
        grant = self._open(request, Action.UPLOAD_PART)
        session = await run_sync(self._uploads.get, grant.target)
        part = await self._uploads.put_part(session, grant.part_number, body_of(request))
        return Response(status_code=200, headers={"etag": f'"{part.etag}"'})

    async def abort(self, request: Request) -> Response:
        grant = self._open(request, Action.ABORT)
        await run_sync(self._uploads.abort, grant.target)
        return Response(status_code=200)

    def _open(self, request: Request, action: Action) -> Grant:
        """What the address allows; whoever asked for it answers for what is done with it."""
        grant = self._signatures.open(request.path_params["word"], action)
        call = audit_context.current()
        if call is not None:
            call.actor = actor_of(grant.caller)
        return grant
