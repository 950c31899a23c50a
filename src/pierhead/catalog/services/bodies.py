"""Request bodies to files, a piece at a time."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from anyio.to_thread import run_sync

from pierhead.kit.full_disk import full_disk_is_told

# Large enough that the hop to a thread is cheap beside the write, small enough to hold for many uploads at once.
_BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived: `sha256` in hex."""

    size_bytes: int
    sha256: str


async def receive(chunks: AsyncIterator[bytes], target: Path) -> Received:
    """Write a body to the new file `target`, holding at most about a megabyte of it.

    Removes `target` and raises if the body breaks off or cannot be written (DiskFull for a full disk).
    """
    try:
        with full_disk_is_told("the upload"), target.open("xb", buffering=0) as file:
            return await _drain(chunks, file)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


async def _drain(chunks: AsyncIterator[bytes], file: BinaryIO) -> Received:
    digest = hashlib.sha256()
    buffer = bytearray()
    size = 0
    async for chunk in chunks:
        buffer += chunk
        if len(buffer) >= _BUFFER_BYTES:
            size += await run_sync(_write, file, buffer, digest)
            buffer = bytearray()
    size += await run_sync(_write, file, buffer, digest)
    return Received(size, digest.hexdigest())


def _write(file: BinaryIO, buffer: bytearray, digest: "hashlib._Hash") -> int:
    digest.update(buffer)
    rest = memoryview(buffer)
    while rest:
        rest = rest[file.write(rest) :]
    return len(buffer)
