"""Calls to MLflow's server over its unix socket, streaming both ways."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from urllib.parse import quote

import aiohttp
from yarl import URL

from pierhead.kit.errors import PierheadError, Unavailable

# Long enough for the child to start on a busy machine: the socket takes calls before anybody answers them.
_PATIENCE_S = 120

_IDLE_S = 15

# Fewer than may wait at the socket of a server that starts: a full queue would not make us wait but fail.
_MOST_CALLS = 64

# A body that is still arriving keeps its connection: slow senders of large ones may not take them all.
_MOST_STREAMS = 16

_ANY_EXPERIMENT = "/mlflow/api/2.0/mlflow/experiments/get"


class Child:
    """MLflow's server as the one who waits for it sees it."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._session: aiohttp.ClientSession | None = None
        self._streams = asyncio.Semaphore(_MOST_STREAMS)

    @asynccontextmanager
    async def ask(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: AsyncIterator[bytes] | bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, its body not read yet. Raises Unavailable if the server is not there or does not answer.

        `path` is decoded, `query` as it came. A GET that a dying server left unanswered is asked again, once.
        """
        url = URL(f"http://mlflow{quote(path)}" + (f"?{query}" if query else ""), encoded=True)
        is_arriving = isinstance(body, AsyncIterator)
        try:
            async with self._streams if is_arriving else nullcontext():
                answer = await self._send(method, url, headers, body)
        except TimeoutError:
            raise Unavailable(f"the tracking server did not answer within {_PATIENCE_S} s; try again") from None
        except aiohttp.ClientError as error:
            raise _reason(error) from error
        async with answer:
            yield answer

    async def warm_up(self) -> None:
        """Wait until the server has its tables: it makes them when it is first asked for what lies in them.

        Raises Unavailable as `ask` does.
        """
        async with self.ask("GET", _ANY_EXPERIMENT, "experiment_id=0", {}, None):
            pass

    async def _send(
        self, method: str, url: URL, headers: Mapping[str, str], body: AsyncIterator[bytes] | bytes | None
    ) -> aiohttp.ClientResponse:
        try:
            return await self._open().request(method, url, headers=headers, data=body, allow_redirects=False)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if method not in ("GET", "HEAD"):
                raise
            return await self._open().request(method, url, headers=headers, allow_redirects=False)

    def _open(self) -> aiohttp.ClientSession:
        # Made at the first call, because it belongs to the event loop that runs then.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self._socket), limit=_MOST_CALLS, keepalive_timeout=_IDLE_S),
                timeout=aiohttp.ClientTimeout(total=None, connect=_PATIENCE_S, sock_read=_PATIENCE_S),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _reason(error: BaseException) -> PierheadError:
    """What to tell: the error in the caller's own body if that broke the call, else that the server is not there."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PierheadError):
            return cause
        cause = cause.__cause__
    return Unavailable(f"the tracking server is restarting ({type(error).__name__}); try again")
