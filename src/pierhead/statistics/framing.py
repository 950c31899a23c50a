"""A small JSON head and binary parts in one byte string."""

import json
import struct
from typing import Any

_LENGTH = struct.Struct("<I")


def pack(head: dict[str, Any], *parts: bytes) -> bytes:
    """Head first, then the parts, each with its length before it."""
    blocks = [json.dumps(head, separators=(",", ":"), sort_keys=True, allow_nan=False).encode(), *parts]
    return b"".join(_LENGTH.pack(len(block)) + block for block in blocks)


def unpack(packed: bytes, kind: str, parts: int) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts again. Raises ValueError when the bytes are cut short or are not of this kind."""
    blocks, at = [], 0
    while at < len(packed):
        if at + _LENGTH.size > len(packed):
            raise ValueError(f"bytes of a {kind} are cut short")
        (length,) = _LENGTH.unpack_from(packed, at)
        at += _LENGTH.size
        if at + length > len(packed):
            raise ValueError(f"bytes of a {kind} are cut short")
        blocks.append(packed[at : at + length])
        at += length
    if len(blocks) != parts + 1:
        raise ValueError(f"bytes have {len(blocks)} blocks, a {kind} has {parts + 1}")
    head = json.loads(blocks[0])
    if head.get("kind") != kind:
        raise ValueError(f"bytes hold a {head.get('kind')!r}, not a {kind}")
    return head, blocks[1:]
