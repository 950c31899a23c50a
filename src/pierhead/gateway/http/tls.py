"""TLS on the public port."""

import ssl
from pathlib import Path


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
