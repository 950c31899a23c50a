"""`make demo`: start Pierhead in a folder of its own, run `examples/runbook.py` against it, stop.

On a terminal the current step is shown with a clock; elsewhere plain lines appear as they come.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).parents[1]
PIERHEAD = Path(sys.executable).with_name("pierhead")
console = Console(highlight=False)


@contextmanager
def platform(home: Path) -> Iterator[dict[str, str]]:
    """A running platform; gives the environment that the official clients of a data scientist need."""
    command = [str(PIERHEAD), "up", "--home", str(home), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            say(line.rstrip())
            if "is ready at" in line:
                break
        else:
            raise SystemExit(f"Pierhead did not start (exit code {process.wait()})")
        for name, group in (("priya", "data-scientists"), ("lee", "ml-leads")):
            pierhead(home, "users", "create", name, "--group", group)
        say("There are two people: priya, a data scientist, and lee, an ML lead.")
        pierhead(home, "rollouts", "policy", "apply", str(ROOT / "examples" / "rollouts.yaml"))
        say("New versions go through a shadow and a canary: examples/rollouts.yaml.")
        lead = pierhead(home, "tokens", "create", "--user", "lee").strip()
        exports = dict(re.findall(r"^export (\w+)=(.*)$", pierhead(home, "env", "--user", "priya"), re.M))
        yield {name: shlex.split(value)[0] for name, value in exports.items()} | {"LEAD_TOKEN": lead}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        say("Pierhead has stopped.")


def pierhead(home: Path, *command: str) -> str:
    """What a command prints."""
    whole = [str(PIERHEAD), *command, "--home", str(home)]
    return subprocess.run(whole, check=True, capture_output=True, text=True).stdout


def say(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def run_runbook(exports: dict[str, str]) -> int:
    """Run the example; its lines that begin with a number are steps."""
    environment = (
        os.environ
        | exports
        | {
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        }
    )
    with tempfile.TemporaryFile("w+") as noise:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "examples" / "runbook.py")],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=noise,
            text=True,
        )
        assert process.stdout is not None
        show_steps(process.stdout)
        code = process.wait()
        if code:
            noise.seek(0)
            say(noise.read())
    return code


def show_steps(lines: Iterator[str]) -> None:
    began = time.monotonic()
    with console.status("starting the clients") as status:
        for line in lines:
            if line[0].isdigit():
                status.update(line.strip())
                say(f"[{time.monotonic() - began:5.1f} s] {line.rstrip()}")
            else:
                say(f"          {line.rstrip()}")


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pierhead-demo-") as folder, platform(Path(folder)) as exports:
        code = run_runbook(exports)
    if code == 0:
        say(f"The whole runbook ran in {time.monotonic() - began:.0f} s. The script is examples/runbook.py.")
    return code


if __name__ == "__main__":
    sys.exit(main())
