"""Signed addresses: whoever holds one may do one thing, for a while."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path


def load_key(path: Path) -> bytes:
    """The installation's secret key of 32 bytes, made on first use (mode 0600)."""
    try:
        return bytes.fromhex(path.read_text())
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(32)
    # Written beside and linked into place, so that two first starts agree on one key.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.hex())
    try:
        os.link(draft, path)
    except FileExistsError:
        return bytes.fromhex(path.read_text())
    finally:
        draft.unlink()
    return key


def sign(key: bytes, *parts: str) -> str:
    """A signature over the parts and their order, 64 hex digits."""
    message = "\n".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def is_signed(key: bytes, signature: str, *parts: str) -> bool:
    """Whether `signature` is ours over these parts; takes the same time for every wrong one."""
    return hmac.compare_digest(sign(key, *parts).encode(), signature.encode("utf-8", "replace"))
