"""Checkpoints: what the whole trail was at a moment, signed, one line each in a file outside the database. Pure.

A line is the canonical JSON of `{"checkpoint": {...}, "key": ID, "signature": BASE64}`. The signature is over
"pierhead-audit-checkpoint-v1", a newline and the canonical JSON of the checkpoint.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import rfc8785

from pierhead.identity.domain.audit_merkle import Tree
from pierhead.kit.clock import from_ms, to_ms

LONGEST_AGE_S = 60.0
MOST_RECORDS = 1000

_VERSION = b"pierhead-audit-checkpoint-v1\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`number` counts the checkpoints from 1; `previous` is the digest of the one before, None for the first; `head` is
    the digest of the last record that it vouches for."""

    log_id: str
    number: int
    tree: Tree
    head: bytes
    at: datetime
    previous: str | None

    @property
    def content(self) -> bytes:
        """Its canonical JSON."""
        return rfc8785.dumps(
            {
                "log_id": self.log_id,
                "number": self.number,
                "size": self.tree.size,
                "root": self.tree.root.hex(),
                "peaks": [peak.hex() for peak in self.tree.peaks],
                "head": self.head.hex(),
                "time": to_ms(self.at),
                "previous": self.previous,
            }
        )

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def message(self) -> bytes:
        """What is signed."""
        return _VERSION + self.content


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as a line holds it; `key_id` names the key that signed it."""

    checkpoint: Checkpoint
    key_id: str
    signature: bytes

    @property
    def line(self) -> bytes:
        return rfc8785.dumps(
            {
                "checkpoint": json.loads(self.checkpoint.content),
                "key": self.key_id,
                "signature": base64.b64encode(self.signature).decode(),
            }
        )


def is_due(size: int, last: Checkpoint | None, now: datetime, oldest_uncovered: datetime | None) -> bool:
    """Whether a trail of `size` records needs a checkpoint; `oldest_uncovered` is when its first record after the
    last checkpoint was written."""
    covered = 0 if last is None else last.tree.size
    if size <= covered or oldest_uncovered is None:
        return False
    return size - covered >= MOST_RECORDS or (now - oldest_uncovered).total_seconds() >= LONGEST_AGE_S


def parse_line(line: bytes) -> Signed | None:
    """A line of the file; None if it is not a whole one, as after a crash in the middle of writing."""
    try:
        outer = json.loads(line)
        inner = outer["checkpoint"]
        checkpoint = Checkpoint(
            log_id=str(inner["log_id"]),
            number=int(inner["number"]),
            tree=Tree(int(inner["size"]), tuple(bytes.fromhex(peak) for peak in inner["peaks"])),
            head=bytes.fromhex(inner["head"]),
            at=from_ms(inner["time"]),
            previous=None if inner["previous"] is None else str(inner["previous"]),
        )
        signed = Signed(checkpoint, str(outer["key"]), base64.b64decode(outer["signature"], validate=True))
    except (ValueError, KeyError, TypeError, OverflowError, binascii.Error):
        return None
    # Only what we would write ourselves: the signature must cover all that a reader sees.
    return signed if signed.line == line.strip() else _as_tampered(signed)


def _as_tampered(signed: Signed) -> Signed:
    return Signed(signed.checkpoint, signed.key_id, b"")


def parse_lines(lines: Iterable[bytes]) -> list[Signed]:
    """Every whole line, in order."""
    found = (parse_line(line) for line in lines)
    return [signed for signed in found if signed is not None]
