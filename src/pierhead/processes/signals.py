"""Signals as something a loop can wait for."""

import os
import select
import signal
from types import TracebackType

_ALWAYS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)


class SignalInbox:
    """Collects SIGCHLD, SIGINT, SIGTERM, SIGUSR2 and SIGHUP while it is entered (main thread only).

    A SIGHUP that is ignored stays so: `nohup` outlives its terminal.
    """

    def __enter__(self) -> "SignalInbox":
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._earlier_fd = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        watched = list(_ALWAYS)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            watched.append(signal.SIGHUP)
        self._earlier = {number: signal.signal(number, _only_wake_up) for number in watched}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._earlier_fd)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def wait(self, timeout_s: float) -> list[signal.Signals]:
        """The signals that came, at the latest after `timeout_s`."""
        ready, _, _ = select.select([self._read_fd], [], [], max(timeout_s, 0.0))
        if not ready:
            return []
        return [signal.Signals(number) for number in os.read(self._read_fd, 4096) if number]

    def wake_up(self) -> None:
        """End a `wait` early; for other threads."""
        os.write(self._write_fd, b"\0")


def _only_wake_up(_number: int, _frame: object) -> None:
    """The wake-up descriptor carries the signal."""
