"""An SMTP server on a loopback port that keeps what it got."""

import base64
import socketserver
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any


@dataclass
class MailSession:
    """What one connection said."""

    recipients: list[str] = field(default_factory=list)
    login: str = ""
    is_encrypted: bool = False


class MailServer:
    """Speaks as much of RFC 5321 as a client needs, STARTTLS and AUTH PLAIN included.

    `refuses` is what it answers to a message instead of taking it.
    """

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.messages: list[tuple[MailSession, EmailMessage]] = []
        self.refuses = ""
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                server.talk(self)

        self.certificate = certificate
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "MailServer":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def talk(self, handler: socketserver.StreamRequestHandler) -> None:
        session = MailSession()
        handler.wfile.write(b"220 here\r\n")
        if not self._go_on(session, handler.rfile, handler.wfile) or self.certificate is None:
            return
        handler.wfile.write(b"220 go on\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        session.is_encrypted = True
        # The client may not believe in the certificate.
        with (
            suppress(OSError),
            context.wrap_socket(handler.connection, server_side=True) as channel,
            channel.makefile("rb") as reader,
            channel.makefile("wb", buffering=0) as writer,
        ):
            self._go_on(session, reader, writer)

    def _go_on(self, session: MailSession, reader: Any, writer: Any) -> bool:
        """Whether the client wants to go on encrypted."""
        while line := reader.readline():
            word = line.strip().upper()
            if word == b"STARTTLS":
                return True
            writer.write(self._answer(word, line, session, reader, writer))
            if word == b"QUIT":
                break
        return False

    def _answer(self, word: bytes, line: bytes, session: MailSession, reader: Any, writer: Any) -> bytes:
        if word.startswith(b"EHLO"):
            more = b"250-STARTTLS\r\n" if self.certificate and not session.is_encrypted else b""
            return b"250-here\r\n" + more + b"250 AUTH PLAIN\r\n"
        if word.startswith(b"AUTH PLAIN"):
            session.login = base64.b64decode(line.split()[2]).decode().replace("\0", " ").strip()
            return b"235 known\r\n"
        if word.startswith(b"RCPT TO:"):
            session.recipients.append(line[8:].decode().split("<")[1].split(">")[0])
            return b"250 fine\r\n"
        if word == b"DATA":
            if self.refuses:
                return f"{self.refuses}\r\n".encode()
            writer.write(b"354 go on\r\n")
            raw = bytearray()
            while (part := reader.readline()) not in (b".\r\n", b""):
                raw += part
            self.messages.append((session, message_from_bytes(bytes(raw), policy=policy.default)))
            return b"250 taken\r\n"
        return b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n"
