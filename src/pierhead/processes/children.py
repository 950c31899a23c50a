"""Child processes of the supervisor: what they are, and what has become of each."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pierhead.kit.home import Home
from pierhead.kit.os_processes import kill_group, kill_orphans
from pierhead.processes.child_logs import open_log
from pierhead.processes.restart import count_quick_deaths, restart_delay_s


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep alive.

    `inherits` are descriptors that it finds open under the same numbers. Children stop in the order of `stop_round`;
    who is still there `stop_grace_s` after SIGTERM is killed.
    """

    name: str
    command: tuple[str, ...]
    inherits: tuple[int, ...] = ()
    environment_vars: Mapping[str, str] = field(default_factory=dict)
    stop_round: int = 0
    stop_grace_s: float = 10.0
    essential: bool = True
    """The platform is not ready without it."""
    after_ready: bool = False
    """Started when the platform is ready, so that it does not take the processors from the others."""
    sign_of_life: Callable[[], bool] | None = None
    """Whether it still does anything; None if nobody can tell from outside."""
    is_accepting: Callable[[int], bool] | None = None
    """Whether the process of this id takes connections; None if the work cannot go over to a successor."""
    why_no_successor: Callable[[], str] = lambda: ""
    """What is wrong with the settings of this moment, so that the process of now should stay; else empty."""


class Child:
    """One process to keep alive, through all its lives."""

    def __init__(self, spec: ChildSpec, home: Home) -> None:
        self.spec = spec
        self.quick_deaths = 0
        self.start_due_s: float | None = None
        """When to start it, on the monotonic clock; None while it runs or is not wanted."""
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self, now_s: float) -> int:
        """Its new process id. Raises OSError if the command cannot be run."""
        log = open_log(self._home, self.spec.name)
        try:
            self._process = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.spec.inherits,
                env={**os.environ, **self.spec.environment_vars},
                # Its own group: a Ctrl-C in the terminal is for the supervisor alone, and the group dies as one.
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._started_s = now_s
        self.start_due_s = None
        return self._process.pid

    def fail_to_start(self, now_s: float) -> None:
        """Take note that it could not even be started; counts as a quick death."""
        self.quick_deaths += 1
        self.schedule(now_s)

    def bury(self, wait_status: int, now_s: float) -> str:
        """Take note of its death; says how it died. The rest of its group dies with it."""
        assert self._process is not None
        exit_code = os.waitstatus_to_exitcode(wait_status)
        # Popen learns it here, as the supervisor reaps for everybody.
        self._process.returncode = exit_code
        kill_orphans(self._process.pid)
        self._process = None
        self.quick_deaths = count_quick_deaths(self.quick_deaths, now_s - self._started_s)
        return name_signal(-exit_code) if exit_code < 0 else f"exit code {exit_code}"

    def schedule(self, now_s: float) -> None:
        """Have it started again, at once or after a pause."""
        self.start_due_s = now_s + restart_delay_s(self.quick_deaths)

    def ask_to_stop(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGTERM)

    def ask_to_retire(self) -> None:
        """A successor has taken over: go when what is there is done."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGUSR1)

    def kill(self) -> None:
        if self._process is not None:
            kill_group(self._process.pid)


def name_signal(number: int) -> str:
    """What to call a signal; those for real-time use have no names of their own.

    >>> name_signal(9), name_signal(36)
    ('signal SIGKILL', 'signal 36')
    """
    try:
        return f"signal {signal.Signals(number).name}"
    except ValueError:
        return f"signal {number}"
