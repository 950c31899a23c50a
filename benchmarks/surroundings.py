"""On what it was measured."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

_LIBRARIES = ("pierhead", "mlflow", "scikit-learn", "numpy", "pandas", "uvicorn", "uvloop")


def describe() -> tuple[str, ...]:
    """Processor, memory, how busy the machine is already, and versions; a line each."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    memory_gb = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    cores = len(os.sched_getaffinity(0))
    return (
        f"machine: {_processor()}, {cores} cores, {memory_gb:.0f} GB, Linux {platform.release()}",
        f"load before: {load} (1, 5, 15 minutes)",
        f"versions: Python {platform.python_version()}, {libraries}",
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
