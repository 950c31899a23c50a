"""Uploads on their way: whole bodies, and sessions whose parts arrive in any order and survive a restart."""

import math
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

from anyio.to_thread import run_sync

from pierhead.catalog.domain.transfers import Part, UploadSession, check_parts, session_id
from pierhead.catalog.services.bodies import receive
from pierhead.catalog.services.mounts import Place
from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.errors import NotFound
from pierhead.kit.full_disk import full_disk_is_told
from pierhead.kit.ids import new_id
from pierhead.kit.web.caller import Caller

_COPY_BYTES = 1024 * 1024


class Uploads:
    """Works under one folder: `body-ID` is a whole body, `session-ID/` holds a session, `part-NUMBER/ETAG` in it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def put(self, chunks: AsyncIterator[bytes], place: Place, *, overwrite: bool, by: Caller) -> None:
        """Take a body and put it in its place once it is complete. Raises what `FileTree.adopt` raises."""
        body = self._folder / f"body-{new_id()}"
        await receive(chunks, body)
        try:
            await run_sync(_adopt, place, body, overwrite, by)
        finally:
            body.unlink(missing_ok=True)

    def start(self, door: str, path: str, *, overwrite: bool) -> UploadSession:
        """Begin an upload in parts."""
        session = UploadSession(new_id(), door, path, overwrite, to_ms(self._clock.now()))
        folder = self._of(session.id)
        folder.mkdir(parents=True)
        (folder / "session.json").write_text(session.to_json())
        return session

    def get(self, token: str) -> UploadSession:
        """Raises InvalidArgument for a strange token, NotFound if the session is over."""
        try:
            return UploadSession.from_json((self._of(session_id(token)) / "session.json").read_text())
        except FileNotFoundError:
            raise NotFound("the upload session is over or was aborted; start the upload again") from None

    async def put_part(self, session: UploadSession, number: int, chunks: AsyncIterator[bytes]) -> Part:
        """Keep one part; sent again, it replaces the one before."""
        folder = self._of(session.id)
        draft = folder / f"draft-{new_id()}"
        received = await receive(chunks, draft)
        part = Part(number, received.sha256)
        await run_sync(_keep, draft, folder, part)
        return part

    def complete(self, session: UploadSession, parts: Sequence[Part], place: Place, *, by: Caller) -> None:
        """Join the parts and put the file in its place. Done twice, the second time does nothing.

        Raises InvalidArgument if parts are missing or differ, and what `FileTree.adopt` raises; parts stay then.
        """
        folder = self._of(session.id)
        if (folder / "completed").exists():
            return
        whole = folder / f"whole-{new_id()}"
        try:
            with full_disk_is_told(f"/{place.path}"):
                _join(folder, check_parts(parts, _stored(folder)), whole)
            _adopt(place, whole, session.overwrite, by)
        finally:
            whole.unlink(missing_ok=True)
        # A client that lost our answer asks again, so the session stays, without its parts, until it is swept.
        (folder / "completed").touch()
        for kept in folder.glob("part-*"):
            shutil.rmtree(kept, ignore_errors=True)

    def abort(self, token: str) -> None:
        """Forget a session and its parts; harmless twice."""
        shutil.rmtree(self._of(session_id(token)), ignore_errors=True)

    def sweep(self, older_than: timedelta) -> int:
        """Remove what nobody came back for; gives how many. Waits for the disk; may run beside uploads, at any time."""
        limit = (self._clock.now() - older_than).timestamp()
        stale = [item for item in self._folder.iterdir() if _is_stale(item, limit)]
        for item in stale:
            shutil.rmtree(item, ignore_errors=True) if item.is_dir() else item.unlink(missing_ok=True)
        return len(stale)

    def _of(self, id: str) -> Path:
        return self._folder / f"session-{id}"


def _join(folder: Path, parts: Sequence[Part], whole: Path) -> None:
    with whole.open("xb") as target:
        for part in parts:
            with _file_of(folder, part).open("rb") as source:
                shutil.copyfileobj(source, target, _COPY_BYTES)


def _file_of(folder: Path, part: Part) -> Path:
    # A folder for each number: what a part replaces is found without looking through all parts.
    return folder / f"part-{part.number}" / part.etag


def _keep(draft: Path, folder: Path, part: Part) -> None:
    file = _file_of(folder, part)
    try:
        file.parent.mkdir(exist_ok=True)
        draft.replace(file)
    except FileNotFoundError:
        raise NotFound("the upload session was aborted; start the upload again") from None
    for other in file.parent.iterdir():
        if other != file:
            other.unlink(missing_ok=True)


def _adopt(place: Place, file: Path, overwrite: bool, by: Caller) -> None:
    with full_disk_is_told(f"/{place.path}"):
        place.tree.adopt(place.inside, file, overwrite=overwrite, by=by)


def _stored(folder: Path) -> list[Part]:
    files = folder.glob("part-*/*")
    return [Part(int(file.parent.name.removeprefix("part-")), file.name) for file in files]


def _is_stale(item: Path, limit: float) -> bool:
    """A session's folder does not change while the bytes of a part arrive; the part's file does."""
    return _touched(item) < limit and not (item.is_dir() and any(_touched(file) >= limit for file in item.iterdir()))


def _touched(item: Path) -> float:
    try:
        return item.stat().st_mtime
    except FileNotFoundError:
        return math.inf
