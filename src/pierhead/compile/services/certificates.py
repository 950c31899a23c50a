"""Certificates are signed by the platform's key, and can be checked by whoever has its public half."""

import base64

from pierhead.compile.domain import certificate as certificates
from pierhead.compile.domain.certificate import Certificate
from pierhead.compile.domain.compilations import Signed
from pierhead.identity.services.audit_keys import Signer, Verifier

_KIND = b"pierhead-parity-certificate-v1\n"


def sign(certificate: Certificate, signer: Signer) -> Signed:
    signature = signer.sign_message(_KIND + certificates.encode(certificate))
    return Signed(certificate, signer.verifier.key_id, base64.b64encode(signature).decode())


def is_genuine(signed: Signed, verifier: Verifier) -> bool:
    """Whether this key signed this certificate as it stands."""
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except ValueError:
        # Not base64; nor need it be ASCII.
        return False
    message = _KIND + certificates.encode(signed.certificate)
    return signed.key_id == verifier.key_id and verifier.is_message_signed(message, signature)
