"""The job's log: what it did, how long each stage took, how it ended."""

import contextlib
import time
from collections.abc import Iterator
from typing import IO


class Stages:
    """Writes lines into the log that the children's prints go to as well."""

    def __init__(self, log: IO[bytes]) -> None:
        self._log = log
        self._began_s = time.monotonic()

    def say(self, words: str) -> None:
        # A full disk must not cost the verdict.
        with contextlib.suppress(OSError):
            self._log.write(f"[{time.monotonic() - self._began_s:7.2f} s] {words}\n".encode())

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began_s = time.monotonic()
        self.say(f"{name} ...")
        try:
            yield
        except Exception as error:
            self.say(f"{name}: {type(error).__name__} after {time.monotonic() - began_s:.2f} s: {error}")
            raise
        self.say(f"{name}: {time.monotonic() - began_s:.2f} s")
