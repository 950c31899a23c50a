"""The key that signs checkpoints: one per home, beside its public half."""

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pierhead.identity.domain.audit_checkpoints import Checkpoint, Signed
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.replacing import replace_file

PRIVATE_NAME, PUBLIC_NAME = "signing.key", "signing.pub"


@dataclass(frozen=True, slots=True)
class Verifier:
    """Tells whether a checkpoint was signed by the owner of a public key."""

    key: Ed25519PublicKey

    @property
    def key_id(self) -> str:
        return hashlib.sha256(self.key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()

    def is_signed(self, signed: Signed) -> bool:
        return signed.key_id == self.key_id and self.is_message_signed(signed.checkpoint.message, signed.signature)

    def is_message_signed(self, message: bytes, signature: bytes) -> bool:
        """For messages that begin with what they are, so that none can pass for another kind."""
        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs checkpoints."""

    key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.key.public_key())

    def sign(self, checkpoint: Checkpoint) -> Signed:
        return Signed(checkpoint, self.verifier.key_id, self.sign_message(checkpoint.message))

    def sign_message(self, message: bytes) -> bytes:
        """For messages that begin with what they are, so that none can pass for another kind."""
        return self.key.sign(message)


def load_signer(folder: Path) -> Signer:
    """The key in this folder, made on first use (mode 0600); its public half is written beside it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / PRIVATE_NAME
    if not path.exists():
        _make(path)
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidArgument(f"{path} is no Ed25519 key; move it away, and a new one is made at the next start")
    public = folder / PUBLIC_NAME
    if not public.exists():
        replace_file(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), mode=0o644)
    return Signer(key)


def load_verifier(path: Path) -> Verifier:
    """A public key from a PEM file. Raises NotFound or InvalidArgument."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise NotFound(f"the public key {path} cannot be read: {error.strerror}; name it with --public-key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidArgument(f"{path} holds no public key in PEM form") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidArgument(f"{path} holds a key of another kind than Ed25519")
    return Verifier(key)


def _make(path: Path) -> None:
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    replace_file(draft, content)
    # Linked into place, so that two first starts agree on one key.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
