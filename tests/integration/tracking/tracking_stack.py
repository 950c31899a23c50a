"""MLflow's server behind our doors: the child and a small application, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from harness.http import Answer, request
from harness.scripts import run_script
from pierhead.kit.home import Home

TOKEN = "good"
USER = "ada"
CLIENTS = Path(__file__).parent / "clients"

_CHILD = (
    "from pathlib import Path; from pierhead.kit.home import Home; from pierhead.processes.tracking import run; "
    "run(Home(Path({root!r})), {listen_fd})"
)
_APP = Path(__file__).parent / "tracking_app.py"


class TrackingStack:
    """Runs while the `with` block lasts. The sockets are ours, so a killed child refuses nobody."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.create()
        self._tracking = socket.socket(socket.AF_UNIX)
        self._tracking.bind(str(self.home.tracking_socket))
        self._tracking.listen(128)
        self._public = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._public.getsockname()[1]}"
        self.child: subprocess.Popen[bytes]
        self.app: subprocess.Popen[bytes]

    def __enter__(self) -> "TrackingStack":
        self.start_child()
        self.app = self._start([str(_APP), str(self.home.root), str(self._public.fileno())], self._public, "app")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in (self.app, self.child):
            process.kill()
            process.wait(10)
        self._tracking.close()
        self._public.close()

    def start_child(self) -> None:
        code = _CHILD.format(root=str(self.home.root), listen_fd=self._tracking.fileno())
        self.child = self._start(["-c", code], self._tracking, "child")

    def _start(self, arguments: list[str], listener: socket.socket, name: str) -> "subprocess.Popen[bytes]":
        with (self.home.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, *arguments], pass_fds=(listener.fileno(),), stdout=log, stderr=log)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, by: str = TOKEN
    ) -> Answer:
        """`by` is a token of `tracking_app.CALLERS`."""
        given = {"Authorization": f"Bearer {by}"} | (headers or {})
        return request(self.url, method, path, body, given)

    def run_client(self, script: str, *arguments: str, databricks: bool, settings: dict[str, str] | None = None) -> str:
        """Run one of the scripts in `clients/` with the official clients, and give what it printed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "DATABRICKS"))}
        always = {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "PYTHONWARNINGS": "ignore",
            "MLFLOW_TRACKING_URI": self.url,
        }
        if databricks:
            always |= {"MLFLOW_TRACKING_URI": "databricks", "DATABRICKS_HOST": self.url, "DATABRICKS_TOKEN": TOKEN}
        else:
            always["MLFLOW_TRACKING_TOKEN"] = TOKEN
        done = run_script(CLIENTS / script, arguments, environment=kept | always | (settings or {}), timeout_s=240)
        assert done.returncode == 0, f"{script} failed:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def peak_rss_bytes(self) -> int:
        """The most memory that the application has had since the last `forget_peak`."""
        for line in Path(f"/proc/{self.app.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the kernel does not tell VmHWM")

    def forget_peak(self) -> int:
        """Start measuring anew; gives the memory in use."""
        Path(f"/proc/{self.app.pid}/clear_refs").write_text("5")
        return self.peak_rss_bytes()

    def wait(self, timeout_s: float = 120) -> None:
        """Until MLflow's server answers through our doors."""
        limit = time.monotonic() + timeout_s
        while self.ask("GET", "/api/3.0/mlflow/server-info").status != 200:
            assert time.monotonic() < limit, (self.home.logs / "child.log").read_text()
