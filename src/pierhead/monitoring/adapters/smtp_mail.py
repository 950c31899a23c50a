"""Sends e-mail through one server."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

from pierhead.kit.clock import Clock

TIMEOUT_S = 15.0

Encryption = Literal["off", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`host` is empty where nothing was set: then nothing can be sent. `authorities` are certificates (PEM) that are
    trusted beside those of the system."""

    host: str = ""
    port: int = 587
    encryption: Encryption = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    authorities: Path | None = None


class SmtpMail:
    """`monitoring.ports.Mail`."""

    def __init__(self, server: SmtpServer, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        self._server = server
        self._clock = clock
        self._timeout_s = timeout_s

    def send(self, message_id: str, addresses: Sequence[str], subject: str, text: str) -> str | None:
        server = self._server
        if not server.host:
            return "no SMTP server is set: PIERHEAD_SMTP_HOST names one"
        message = EmailMessage()
        message["From"] = server.sender or f"pierhead@{server.host}"
        message["To"] = ", ".join(addresses)
        # A line break would begin another header.
        message["Subject"] = " ".join(subject.split())
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{message_id}@pierhead>"
        message.set_content(text)
        try:
            with self._connect() as smtp:
                if server.user:
                    smtp.login(server.user, server.password)
                smtp.send_message(message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return f"{server.host}:{server.port}: {_words(error)}"
        return None

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.encryption == "tls":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout_s, context=self._context())
        smtp = smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)
        if server.encryption == "starttls":
            try:
                smtp.starttls(context=self._context())
            except BaseException:
                smtp.close()
                raise
        return smtp

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._server.authorities is not None:
            context.load_verify_locations(self._server.authorities)
        return context


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        detail = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode("utf-8", "replace")
        return f"{error.smtp_code} {detail}"[:300]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"refused: {', '.join(map(str, error.recipients))}"[:300]
    return (str(error) or type(error).__name__)[:300]
