"""The routing snapshot's place: a file that gateways watch."""

import os
from pathlib import Path

import msgspec

from pierhead.serving.domain.snapshot import Snapshot, decode, encode


class SnapshotFile:
    """SnapshotPlace on a local file. One writer: the controller."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Snapshot | None:
        try:
            return decode(self._path.read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, snapshot: Snapshot) -> None:
        """Replace it in one step. Not synced to disk: after a power cut the controller writes a new one anyway."""
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        # It holds hashes of tokens: for the owner alone.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(encode(snapshot))
        draft.replace(self._path)
