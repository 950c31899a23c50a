"""A constant answer: a raw asyncio protocol with llhttp on uvloop. What HTTP itself costs on this machine.

`python bare_server.py PORT`
"""

import asyncio
import sys

import httptools
import uvloop

_BODY = b'{"predictions": [[0.123456789012345, 0.876543210987655]]}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)


class Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._answers = 0

    def on_message_complete(self) -> None:
        self._answers += 1

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._answers:
            self._transport.write(_ANSWER * self._answers)  # type: ignore[attr-defined]
            self._answers = 0


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
