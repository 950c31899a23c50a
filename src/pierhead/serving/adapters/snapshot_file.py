"""The routing snapshot's place: a file that gateways watch."""

from pathlib import Path

import msgspec

from pierhead.kit.replacing import replace_file
from pierhead.kit.reserves import Reserve, is_full
from pierhead.serving.domain.snapshot import Snapshot, decode, encode

_STEP_BYTES = 64 * 1024


class SnapshotFile:
    """SnapshotPlace on a local file. One writer: the controller. On a full disk it goes on by files made beforehand."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = Reserve(path.parent, path.name, count=2)

    def read(self) -> Snapshot | None:
        try:
            return decode(self._path.read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, snapshot: Snapshot) -> None:
        """Replace it in one step. Not synced to disk: after a power cut the controller writes a new one anyway."""
        content = encode(snapshot)
        try:
            # It holds hashes of tokens: for the owner alone.
            replace_file(self._path, content, mode=0o600, synced=False)
        except OSError as error:
            if not is_full(error):
                raise
            self._reserve.put(self._path, content, mode=0o600)
        else:
            self._reserve.fill(_roomy(len(content)))


def _roomy(size_bytes: int) -> int:
    """Room for a snapshot that grows: in steps, so that it is made anew but seldom."""
    return (size_bytes // _STEP_BYTES + 2) * _STEP_BYTES
