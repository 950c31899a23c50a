"""A saved model through the platform's own compile job, as the server runs it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pierhead.compile.adapters.job_process import JobLimits, JobProcesses
from pierhead.compile.convert.requirements import converter_requirements
from pierhead.compile.ports import Built, Material
from pierhead.compile.services.compiler import is_for_the_converters

_LIMITS = JobLimits(memory_bytes=3 * 1024**3, wall_s=300)
_MODEL_LIBRARIES = ("mlflow", "scikit-learn", "numpy", "pandas", "cloudpickle")


@dataclass(frozen=True, slots=True)
class Workplace:
    """`converters` is the interpreter of an environment that has the stock converters; None to do without."""

    folder: Path
    converters: Path | None
    seed: int


def prove(model: Path, place: Workplace) -> Built:
    """Our own emitter first, the stock converters where that knows nothing. Raises JobBroke."""
    jobs = JobProcesses(_LIMITS, seed=place.seed)
    material, work = Material("0" * 64, model, Path(sys.executable)), place.folder / "job"
    built = jobs.compile(material, None, work)
    if place.converters is not None and is_for_the_converters(built):
        built = jobs.compile(material, place.converters, work)
    return built


def install_converters(folder: Path) -> Path:
    """The interpreter of their environment, made on first use. Raises CalledProcessError."""
    from importlib.metadata import version

    place = folder / "converters"
    python = place / "bin" / "python"
    if not (place / ".ready").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        libraries = [f"{name}=={version(name)}" for name in _MODEL_LIBRARIES]
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, place], check=True)
        command = [uv, "pip", "install", "-q", "--python", str(python), *converter_requirements(), *libraries]
        subprocess.run([*command, "msgspec"], check=True)
        (place / ".ready").touch()
    return python
