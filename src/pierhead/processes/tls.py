"""Whether the public port can speak TLS as the settings say."""

import ssl

from pierhead.gateway.http.tls import tls_context
from pierhead.kit.settings import Settings
from pierhead.processes.errors import CannotStart


def require_tls(settings: Settings) -> None:
    """Raises CannotStart if there is a certificate and it cannot be used."""
    if fault := tls_fault(settings):
        raise CannotStart(fault)


def tls_fault(settings: Settings) -> str:
    """Why the certificate, if there is one, cannot be used; empty if it can."""
    try:
        tls_context(settings.tls_certificate, settings.tls_key)
    except ssl.SSLError:
        return (
            f"certificate {settings.tls_certificate} and key {settings.tls_key or settings.tls_certificate} "
            "cannot be used: both must be PEM and belong together, the key without a password"
        )
    except OSError as error:
        return (
            f"certificate {settings.tls_certificate} or key {settings.tls_key or settings.tls_certificate} "
            f"cannot be read: {error.strerror}"
        )
    return ""
