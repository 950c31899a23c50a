"""What a worker says about itself: one JSON file, replaced in one step."""

import json
import os
import time
from pathlib import Path

from pierhead.kit.replacing import replace_file
from pierhead.kit.reserves import is_full, overwrite

LOADING = "loading"
READY = "ready"
FAILED = "failed"
DRAINING = "draining"


class StatusFile:
    """Written by the worker alone; read by whoever watches it.

    Fields: `phase`, `message`, `load_ms` (None until loaded), `pid`, `started_at_s` (seconds since 1970) and
    `last_words`, which says why a process that had been ready ended itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fields: dict[str, object] = {
            "phase": LOADING,
            "message": "",
            "load_ms": None,
            "pid": os.getpid(),
            "started_at_s": time.time(),
            "last_words": "",
        }

    def loading(self) -> None:
        self._write(phase=LOADING)

    def ready(self, message: str, load_ms: int) -> None:
        self._write(phase=READY, message=message, load_ms=load_ms)

    def failed(self, message: str) -> None:
        self._write(phase=FAILED, message=message)

    def draining(self) -> None:
        self._write(phase=DRAINING)

    def ending(self, last_words: str) -> None:
        self._write(last_words=last_words)

    def _write(self, **changes: object) -> None:
        self._fields.update(changes)
        content = json.dumps(self._fields)
        try:
            replace_file(self._path, content, synced=False)
        except OSError as error:
            if not is_full(error):
                raise
            # The host made the file beforehand, with room for this.
            overwrite(self._path, content.encode())
