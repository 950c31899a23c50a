"""Records that cannot become rows, kept beside the streams for somebody to look at."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

QUARANTINE = "quarantine.log"
_MAX_BYTES = 64 * 1024 * 1024


class Quarantine:
    """`ROOT/TABLE/quarantine.log`: a JSON line for each record. A killed writer may have written some lines twice."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / QUARANTINE

    def count(self) -> int:
        """How many lines there are."""
        try:
            with self._path.open("rb") as file:
                return sum(1 for _ in file)
        except FileNotFoundError:
            return 0

    def add(self, stream_name: str, refused: Sequence[tuple[bytes, str]], now: datetime) -> None:
        """Keep records with the reasons why they were refused; the file stops growing at 64 MiB. Raises OSError."""
        if not refused or (self._path.exists() and self._path.stat().st_size >= _MAX_BYTES):
            return
        lines = [
            json.dumps(
                {
                    "time": now.isoformat(),
                    "stream": stream_name,
                    "reason": reason,
                    "record": base64.b64encode(record).decode(),
                }
            )
            for record, reason in refused
        ]
        with self._path.open("a") as file:
            file.write("\n".join(lines) + "\n")
