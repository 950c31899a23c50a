"""TLS on the public port."""

import ssl
from contextlib import suppress
from pathlib import Path

import structlog

from pierhead.kit.replacing import replace_file

log = structlog.get_logger()


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """TLS 1.2 and later with this certificate chain (PEM); None without one.

    Raises OSError if a file cannot be read, ssl.SSLError if key and certificate do not go together.
    """
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.expanduser(), None if key is None else key.expanduser())
    context.set_alpn_protocols(["http/1.1"])
    return context


def lasting_tls_context(certificate: Path | None, key: Path | None, kept: Path) -> ssl.SSLContext | None:
    """As `tls_context`; files that have become unusable do not keep a process from starting again.

    What could be used is put aside in `kept` (one PEM file, its owner's alone) for the next time. Raises as
    `tls_context` does if that is unusable, too.
    """
    try:
        context = tls_context(certificate, key)
    except (OSError, ssl.SSLError) as error:
        with suppress(OSError, ssl.SSLError):
            context = tls_context(kept, None)
            log.error("the last certificate that could be used goes on", file=str(certificate), error=str(error))
            return context
        raise
    if certificate is not None:
        _keep(certificate, key, kept)
    return context


def _keep(certificate: Path, key: Path | None, kept: Path) -> None:
    try:
        parts = [file.expanduser().read_bytes() for file in (certificate, key) if file is not None]
        replace_file(kept, b"\n".join(parts))
    except OSError as error:
        log.warning("the certificate cannot be put aside for the next start", file=str(kept), error=str(error))
