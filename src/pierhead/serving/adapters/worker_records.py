"""One JSON file for each worker: what it is and which process it is. The worker reads it too, as its orders."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pierhead.kit.replacing import replace_file
from pierhead.kit.reserves import Reserve, is_full

_RESERVED = 12
_RESERVED_BYTES = 4096
"""For a few starts on a full disk: each takes two records and a status."""


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """Times in milliseconds since 1970, `created_s` in seconds since 1970 as psutil tells it.

    `process_id` is None between the decision to start a worker and the knowledge of its process.
    """

    worker_id: str
    workload: str
    model: str
    python: str
    log: str
    socket: str
    status: str
    started_at_ms: int
    process_id: int | None = None
    created_s: float | None = None
    kill_at_ms: int | None = None
    """Set once the worker was told to stop."""
    artifact: str | None = None
    """Folder of the compiled artifact that it runs; None for a worker of the original."""
    batching: bool = False


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What the worker says about itself."""

    phase: str
    message: str
    process_id: int
    last_words: str


class WorkerRecords:
    """The folder of records, with each worker's socket and status beside its record."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._reserve = Reserve(self._folder, "record", _RESERVED)

    def path(self, worker_id: str) -> Path:
        return self._folder / f"{worker_id}.json"

    def socket(self, worker_id: str) -> Path:
        return self._folder / f"{worker_id}.sock"

    def status_file(self, worker_id: str) -> Path:
        return self._folder / f"{worker_id}.status"

    def list(self) -> list[WorkerRecord]:
        """All that can be read, in the order in which they were started."""
        found = [self.find(path.stem) for path in self._folder.glob("*.json")]
        return sorted((record for record in found if record), key=lambda record: record.started_at_ms)

    def find(self, worker_id: str) -> WorkerRecord | None:
        fields = _read(self.path(worker_id))
        try:
            return None if fields is None else WorkerRecord(**fields)
        except TypeError:
            return None

    def write(self, record: WorkerRecord) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._put(self.path(record.worker_id), json.dumps(asdict(record)).encode())

    def make_status_file(self, worker_id: str) -> None:
        """So that its worker can say something even on a full disk. It says nothing yet."""
        self._put(self.status_file(worker_id), b" " * _RESERVED_BYTES)

    def _put(self, path: Path, content: bytes) -> None:
        try:
            replace_file(path, content, synced=False)
        except OSError as error:
            if not is_full(error):
                raise
            self._reserve.put(path, content)
        else:
            self._reserve.fill(_RESERVED_BYTES)

    def status_of(self, worker_id: str) -> WorkerStatus | None:
        """None if the worker has not said anything yet, or nothing that makes sense."""
        fields = _read(self.status_file(worker_id)) or {}
        texts = [fields.get(name) for name in ("phase", "message", "last_words")]
        match fields.get("pid"), texts:
            # The file lies where the model's code can write.
            case int(process_id), [str(phase), str(message), str(last_words)] if process_id > 0:
                return WorkerStatus(phase, message, process_id, last_words)
            case _:
                return None

    def remove(self, worker_id: str) -> None:
        """The record goes last: as long as it is there, somebody looks after the rest."""
        self.socket(worker_id).unlink(missing_ok=True)
        for path in (self.status_file(worker_id), self.path(worker_id)):
            self._reserve.take_back(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        fields = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return fields if isinstance(fields, dict) else None
