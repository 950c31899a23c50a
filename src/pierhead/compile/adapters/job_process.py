"""The compile job as a process of its own: sandboxed, bounded, told by files."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from pierhead.compile.domain import certificate as certificates
from pierhead.compile.ports import Built, Checked, JobBroke, Material, Mismatch, Sample
from pierhead.kit.os_processes import kill_group
from pierhead.worker.surroundings import LIFELINE_VARIABLE

_KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
_GRACE_S = 30.0
_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What a job may take: bytes of memory for all of its processes, seconds of time."""

    memory_bytes: int
    wall_s: float


class JobProcesses:
    """`compile.ports.Jobs`."""

    def __init__(self, limits: JobLimits, seed: int = 0) -> None:
        self._limits = limits
        self._seed = seed

    def compile(self, material: Material, converter: Path | None, work: Path) -> Built:
        order = compile_order(material, converter, work / "output", self._limits, self._seed)
        try:
            self._run(order, work, ())
        finally:
            # It holds what callers sent.
            (work / "order.json").unlink(missing_ok=True)
        output = work / "output"
        try:
            certificate = certificates.decode((output / "certificate.json").read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise JobBroke(f"the compile job left no certificate: {error}") from None
        artifact = output / "artifact"
        return Built(certificate, artifact if certificate.artifact is not None else None)

    def verify(self, artifact: Path, model: Path, python: Path, samples: Sequence[Sample], work: Path) -> Checked:
        order = {
            "model": str(model),
            "python": str(python),
            "artifact": str(artifact),
            "output": str(work / "output"),
            "samples": str(work / "samples.msgpack"),
            "limits": asdict(self._limits),
        }
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        content = msgspec.msgpack.encode([(each.content_type, each.request, each.answer) for each in samples])
        (work / "samples.msgpack").write_bytes(content)
        self._run(order, work, ("--verify",), keep=True)
        try:
            said = json.loads((work / "output" / "verification.json").read_bytes())
            return _checked(said)
        except (OSError, ValueError, KeyError) as error:
            raise JobBroke(f"the comparison left no result: {error}") from None
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _run(self, order: dict[str, Any], work: Path, flags: Sequence[str], *, keep: bool = False) -> None:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
        (work / "order.json").write_text(json.dumps(order))
        environment = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
        # Of each job's own: one that outlived us would write into the folder in which our successor runs it again.
        lifeline, life = os.pipe()
        environment[LIFELINE_VARIABLE] = str(lifeline)
        command = [sys.executable, "-m", "pierhead.compile.job", *flags, "--order", str(work / "order.json")]
        try:
            with (work / "process.log").open("ab") as story:
                job = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=story,
                    stderr=story,
                    cwd=work,
                    env=environment,
                    pass_fds=(lifeline,),
                    start_new_session=True,
                )
            try:
                code = job.wait(self._limits.wall_s + _GRACE_S)
            except subprocess.TimeoutExpired:
                raise JobBroke(f"the compile job took longer than {self._limits.wall_s:g} s") from None
            finally:
                kill_group(job.pid)
                job.wait()
        finally:
            os.close(lifeline)
            os.close(life)
        if code != 0:
            raise JobBroke(f"the compile job ended with exit code {code}: {_tail(work / 'process.log')}")


def compile_order(
    material: Material, converter: Path | None, output: Path, limits: JobLimits, seed: int
) -> dict[str, Any]:
    """What the job is told: JSON of `compile.job.order.Order`."""
    return {
        "model": str(material.model),
        "python": str(material.python),
        "converter_python": None if converter is None else str(converter),
        "output": str(output),
        "source": material.source,
        "samples": [body.decode() for body in material.logged],
        "limits": asdict(limits),
        "seed": seed,
    }


def _checked(said: dict[str, Any]) -> Checked:
    worst = said.get("mismatch")
    mismatch = None if worst is None else Mismatch(**{key: str(worst[key]) for key in Mismatch.__slots__})
    return Checked(int(said["rows"]), mismatch)


def _tail(path: Path) -> str:
    """The last line that says something."""
    lines = path.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
