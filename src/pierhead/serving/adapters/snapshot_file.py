"""The routing snapshot's place: a file that gateways watch."""

from pathlib import Path

import msgspec

from pierhead.kit.replacing import replace_file
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
        # It holds hashes of tokens: for the owner alone.
        replace_file(self._path, encode(snapshot), mode=0o600, synced=False)
