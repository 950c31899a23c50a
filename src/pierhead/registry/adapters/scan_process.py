"""The registry's `FileScanner`: a process of its own for each scan, with a limit on its time and memory."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import structlog

from pierhead.registry.domain.gate import Scan

log = structlog.get_logger()

_MEMORY_BYTES = 768 * 1024 * 1024
_PATIENCE_S = 30.0
_MODULE = "pierhead.registry.adapters.scan_child"


class ScanProcess:
    """Scans files without loading them. A hostile file costs at most `patience_s` and `memory_bytes`."""

    def __init__(self, patience_s: float = _PATIENCE_S, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._patience_s = patience_s
        self._memory_bytes = memory_bytes

    def scan(self, files: Sequence[tuple[Path, str]]) -> Scan:
        """What loading these files could do; each is a path and its name in the model."""
        lines = [orjson.loads(line) for line in self._answers(files)]
        dangers = [danger for line in lines for danger in line["dangers"]]
        if len(lines) < len(files):
            # The files are scanned in order: the first without an answer is the one that was too much.
            name = files[len(lines)][1]
            dangers.append(f"{name} cannot be scanned within {self._patience_s:g} s")
        return Scan(sum(line["pickles"] for line in lines), tuple(sorted(dangers)))

    def _answers(self, files: Sequence[tuple[Path, str]]) -> list[bytes]:
        limits = [str(self._memory_bytes), str(int(self._patience_s) + 1)]
        # Isolated from PYTHON* variables and from the current folder, which hold nothing that it needs.
        command = [sys.executable, "-I", "-m", _MODULE, *limits]
        asked = orjson.dumps([[str(path), name] for path, name in files])
        try:
            done = subprocess.run(command, input=asked, capture_output=True, timeout=self._patience_s, check=False)
        except subprocess.TimeoutExpired as late:
            return _whole_lines(late.stdout or b"")
        if done.returncode:
            log.warning(
                "scan of files ended early", status=done.returncode, error=done.stderr[-500:].decode(errors="replace")
            )
        return _whole_lines(done.stdout)


def _whole_lines(output: bytes) -> list[bytes]:
    return output.split(b"\n")[:-1]
