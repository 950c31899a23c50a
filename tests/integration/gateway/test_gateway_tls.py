"""TLS on the public port."""

import asyncio
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_rig import PATH, TOKEN, Rig, WorkerConnection, read_all, request_bytes

from harness.certificates import make_certificate
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.http.tls import lasting_tls_context, tls_context
from pierhead.kit import frames


async def echo(request: frames.Request, connection: WorkerConnection) -> None:
    connection.answer(request, request.body)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return make_certificate(tmp_path)


@pytest.fixture
def secure(files: tuple[Path, Path]) -> Iterator[Rig]:
    rig = Rig(tls_certificate=files[0], tls_key=files[1], limits=Limits(header_bytes=2048))
    rig.route_fraud(rig.worker("w1", echo))
    yield rig
    rig.close()


def connect(rig: Rig) -> http.client.HTTPSConnection:
    assert rig.config.tls_certificate is not None
    context = ssl.create_default_context(cafile=str(rig.config.tls_certificate))
    return http.client.HTTPSConnection("127.0.0.1", rig.port, timeout=20, context=context)


def test_invocations_are_answered_over_tls(secure: Rig) -> None:
    connection = connect(secure)
    for number in range(3):
        body = b'"n-%d"' % number + b" " * 30_000
        answer = secure.invoke_on(connection, body)
        assert (answer.status, answer.body) == (200, body)
    connection.close()

    assert secure.gateway.shortcuts == 1
    assert len(secure.spool.records()) == 3


def test_the_api_is_told_that_callers_speak_tls(secure: Rig) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = secure.world.run(asyncio.start_unix_server(serve, str(secure.config.api_socket)))

    async def close_server() -> None:
        server.close()

    secure.at_end.append(close_server)
    connection = connect(secure)

    assert secure.request("GET", "/api/2.0/x", connection=connection).body == b"ok"
    assert b"x-forwarded-proto: https\r\n" in seen[0]
    connection.close()


def test_plain_http_on_a_tls_port_gets_nothing_and_disturbs_nobody(secure: Rig) -> None:
    with secure.connect() as caller:
        caller.sendall(request_bytes())
        try:
            received = read_all(caller)
        except ConnectionResetError:
            received = b""
    connection = connect(secure)

    assert b"predictions" not in received
    assert secure.invoke_on(connection, b"1").body == b"1"
    connection.close()


def test_a_refusal_in_the_middle_of_a_body_can_be_read_over_tls(secure: Rig) -> None:
    connection = connect(secure)

    connection.request("POST", PATH, b"x" * 3_000_000, {"Authorization": f"Bearer {TOKEN}"})
    response = connection.getresponse()

    assert response.status == 413
    connection.close()


def test_a_certificate_without_its_key_is_no_certificate(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    with pytest.raises(ssl.SSLError):
        tls_context(files[0], make_certificate(other)[1])
    with pytest.raises(OSError, match="No such file"):
        tls_context(tmp_path / "nothing.pem", None)
    assert tls_context(None, None) is None


def test_a_certificate_that_broke_is_replaced_by_the_last_one_that_could_be_used(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.pem"
    assert lasting_tls_context(*files, kept) is not None
    assert kept.stat().st_mode & 0o077 == 0

    files[1].write_bytes(b"half of a ke")
    assert lasting_tls_context(*files, kept) is not None
    files[0].unlink()
    assert lasting_tls_context(*files, kept) is not None
    kept.write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        lasting_tls_context(*files, kept)


def test_without_a_certificate_that_ever_could_be_used_there_is_none(files: tuple[Path, Path], tmp_path: Path) -> None:
    files[1].write_bytes(b"half of a ke")
    with pytest.raises(ssl.SSLError):
        lasting_tls_context(*files, tmp_path / "kept.pem")
    assert lasting_tls_context(None, None, tmp_path / "kept.pem") is None


def test_a_certificate_that_cannot_be_put_aside_is_used_all_the_same(files: tuple[Path, Path], tmp_path: Path) -> None:
    assert lasting_tls_context(*files, tmp_path / "no folder" / "kept.pem") is not None
