"""Python environments of served versions, built by uv and named by the digest of what is in them."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from pierhead.kit.clock import Clock, SystemClock, monotonic_s
from pierhead.serving.adapters.model_requirements import ModelRequirements, NoRequirements, read_requirements
from pierhead.serving.adapters.uv_program import OWN_MINOR, installed_pythons, own_base_python, require_uv
from pierhead.serving.adapters.uv_run import UvFailed, UvRun, tell
from pierhead.serving.adapters.uv_settings import find_uv_config, read_pip_settings, uv_settings
from pierhead.serving.ports import Environment, EnvironmentFailed

# Part of every digest: raise it when the same requirements would be built differently.
_FORMAT = 1


class UvEnvironments:
    """Environments under one folder: `DIGEST/` with a `.ready` marker, and a lock beside it."""

    def __init__(self, root: Path, uv: Path | None, timeout_s: float, clock: Clock | None = None) -> None:
        """`uv` None means: find it. `timeout_s` bounds one build, waiting for another one's included."""
        self._root = root.absolute()
        self._uv = uv
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()

    def build(self, model: Path, log: Path, *, beside: Sequence[str] = ()) -> Environment:
        try:
            requirements = read_requirements(model)
            requirements = replace(requirements, added=(*requirements.added, *beside))
        except NoRequirements as error:
            raise EnvironmentFailed(str(error)) from None
        digest = environment_digest(requirements)
        folder = self._root / digest
        environment = Environment(digest, folder / "bin" / "python")
        self._root.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        deadline_s = monotonic_s() + self._timeout_s
        with log.open("a", encoding="utf-8") as story:
            tell(story, f"--- {self._clock.now().isoformat(timespec='seconds')} environment {digest} of {model}")
            for note in requirements.notes:
                tell(story, note)
            if _is_ready(folder):
                tell(story, "built before, from the same requirements")
                return environment
            try:
                with _locked(self._root / f"{digest}.lock", story, deadline_s) as lock:
                    if not _is_ready(folder):
                        with _removed_on_failure(folder):
                            self._build(model, requirements, folder, UvRun(story, lock, deadline_s, self._timeout_s))
            except EnvironmentFailed as error:
                tell(story, f"failed: {error}")
                raise
        return environment

    def _build(self, model: Path, requirements: ModelRequirements, folder: Path, run: UvRun) -> None:
        began_s = monotonic_s()
        uv = self._uv or require_uv()
        pip = read_pip_settings(Path(sys.executable), os.environ)
        settings = uv_settings(os.environ, pip, find_uv_config(os.environ))
        run.hide(settings.sources)
        # Without its marker it is half a build: its builder died.
        shutil.rmtree(folder, ignore_errors=True)
        self._make_venv(uv, requirements.python or OWN_MINOR, folder, settings.environment, run)
        run.uv(
            [str(uv), "pip", "install", *settings.install_flags, "--python", str(folder / "bin" / "python"), "-r", "-"],
            cwd=model,
            environment=settings.environment,
            feed="\n".join([*requirements.lines, *requirements.added, ""]),
        )
        _mark_ready(folder, requirements)
        run.tell(f"built in {monotonic_s() - began_s:.1f} s")

    def _make_venv(self, uv: Path, minor: str, folder: Path, environment: dict[str, str], run: UvRun) -> None:
        python = own_base_python() if minor == OWN_MINOR else minor
        command = [str(uv), "venv", "--no-python-downloads", "--no-project", "--python", python, str(folder)]
        try:
            run.uv(command, cwd=self._root, environment=environment)
        except UvFailed:
            pythons = installed_pythons(uv, environment)
            if any(version.startswith(f"{minor}.") for version in pythons):
                raise
            there = ", ".join(pythons) or "none that uv finds"
            raise EnvironmentFailed(
                f"the version asks for Python {minor}, which is not on this machine (there: {there}); "
                f"install it so that `python{minor}` is on the PATH"
            ) from None


def environment_digest(requirements: ModelRequirements) -> str:
    """The name of the environment: equal for requirements that lead to the same environment on this machine."""
    parts = {
        "format": _FORMAT,
        "lines": sorted({*requirements.lines, *requirements.added}),
        "content": requirements.content,
        "python": requirements.python or OWN_MINOR,
        "platform": sysconfig.get_platform(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _is_ready(folder: Path) -> bool:
    # The interpreter is a link out of the environment: it may have been uninstalled since.
    return (folder / ".ready").is_file() and (folder / "bin" / "python").exists()


def _mark_ready(folder: Path, requirements: ModelRequirements) -> None:
    draft = folder / ".ready.new"
    draft.write_text(json.dumps({"requirements": [*requirements.lines, *requirements.added]}))
    draft.replace(folder / ".ready")


@contextlib.contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    """Half an environment helps nobody and may be what fills the disk."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextlib.contextmanager
def _locked(path: Path, story: TextIO, deadline_s: float) -> Iterator[int]:
    """Hold the lock; yields its descriptor. Raises EnvironmentFailed if another build holds it for too long."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        told = False
        while not _take(descriptor):
            if not told:
                tell(story, "waiting for another build of the same environment")
                told = True
            if monotonic_s() > deadline_s:
                raise EnvironmentFailed("another build of the same environment did not end in time; see its build log")
            time.sleep(0.1)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
