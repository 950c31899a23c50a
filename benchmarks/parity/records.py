"""Results on disk: one file a subject, so that a long run can be taken up again; and all of them together."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.parity.running import Result


class Records:
    """Of one run, told by seed and rows."""

    def __init__(self, folder: Path, seed: int, rows: int) -> None:
        self._all = folder.parent
        self._folder = folder / f"seed{seed}-rows{rows}"

    def find(self, name: str) -> Result | None:
        """None if this subject has no good result yet."""
        try:
            result = Result(**json.loads((self._folder / f"{name}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return None if result.error else result

    def keep(self, name: str, result: Result) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{name}.json").write_text(json.dumps(asdict(result), indent=1) + "\n")

    def write_all(self, results: Sequence[Result], surroundings: Sequence[str]) -> Path:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        path = self._all / f"parity-{moment}.json"
        record = {"surroundings": surroundings, "results": [asdict(result) for result in results]}
        path.write_text(json.dumps(record, indent=1) + "\n")
        return path
