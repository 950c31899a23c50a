"""Commands of uv on behalf of one build."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pierhead.kit.clock import monotonic_s
from pierhead.serving.adapters.uv_output import Mask, condensed
from pierhead.serving.ports import EnvironmentFailed


class UvFailed(EnvironmentFailed):
    """uv ended with an error; the message is its condensed output."""


@dataclass(slots=True)
class UvRun:
    """One build's commands: their output goes to `story`, their time is bounded.

    `lock` is the descriptor of a lock that is held as long as any of them lives.
    """

    story: TextIO
    lock: int
    deadline_s: float
    timeout_s: float
    mask: Mask | None = None

    def hide(self, secrets: list[str]) -> None:
        self.mask = Mask(secrets)

    def tell(self, line: str) -> None:
        tell(self.story, self.mask.hide(line) if self.mask else line)

    def uv(self, command: Sequence[str], *, cwd: Path, environment: dict[str, str], feed: str = "") -> None:
        """Raises EnvironmentFailed."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            # Should we be killed, the lock stays with uv: nobody clears away what it still writes.
            pass_fds=(self.lock,),
        )
        over = threading.Event()
        timer = threading.Timer(max(self.deadline_s - monotonic_s(), 0.01), _kill, (process, over))
        timer.start()
        try:
            lines = self._follow(process, feed)
        finally:
            timer.cancel()
            process.wait()
        if over.is_set():
            raise EnvironmentFailed(
                f"the environment was not built within {self.timeout_s:g} s; the build log has more"
            )
        if process.returncode != 0:
            raise UvFailed(f"the environment could not be built: {condensed(lines)}")

    def _follow(self, process: subprocess.Popen[str], feed: str) -> list[str]:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout, contextlib.suppress(BrokenPipeError):
            with process.stdin:
                process.stdin.write(feed)
            lines = []
            for line in process.stdout:
                plain = self.mask.hide(line.rstrip()) if self.mask else line.rstrip()
                tell(self.story, plain)
                lines.append(plain)
            return lines
        return []


def _kill(process: subprocess.Popen[str], over: threading.Event) -> None:
    over.set()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def tell(story: TextIO, line: str) -> None:
    """Add a line to a build log, for whoever reads along."""
    story.write(line + "\n")
    story.flush()
