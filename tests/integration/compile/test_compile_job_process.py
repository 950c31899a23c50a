"""The compile job as a process of the controller."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from harness.platform import wait_until

_CONTROLLER = """
import sys
from pathlib import Path
from pierhead.compile.adapters.job_process import JobLimits, JobProcesses
from pierhead.compile.ports import Material
work, python = Path(sys.argv[1]), Path(sys.argv[2])
JobProcesses(JobLimits(2**31, 300.0)).compile(Material("a" * 64, work, python), None, work / "job")
"""


def test_a_job_ends_with_its_controller_however_that_ends(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o755)
    controller = subprocess.Popen([sys.executable, "-c", _CONTROLLER, str(tmp_path), str(python)])
    family = psutil.Process(controller.pid)
    # What sleeps stands for a model that is being loaded; our own interpreter would end with the job.
    wait_until("the job has a child", lambda: any(child.name() == "sleep" for child in family.children(recursive=True)))
    [job] = family.children()
    [asleep] = job.children()

    controller.send_signal(signal.SIGKILL)
    controller.wait()

    try:
        wait_until("the job is gone", lambda: not is_alive(job), timeout_s=10)
    finally:
        asleep.kill()


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
