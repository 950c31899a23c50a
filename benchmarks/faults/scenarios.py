"""What is done to a platform while it answers; a fault is over when the platform has recovered from it."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import psutil
from onnx import numpy_helper

from benchmarks.faults.world import MODELS, World, wait_until

_SETTLES_S = 1.0
_REPLACED_WITHIN_S = 60.0

Fault = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault and its name for people."""

    name: str
    fault: Fault


def update_configs(world: World) -> None:
    """All endpoints to the other version and back."""
    for version in ("2", "1"):
        for model in MODELS:
            world.update(model, version)
        for model in MODELS:
            world.wait_ready(model)
        time.sleep(_SETTLES_S)


def kill_workers(world: World, times: int = 3) -> None:
    """kill -9 of one worker of each endpoint, some times."""
    for _ in range(times):
        killed = {model: _killed(world, model) for model in MODELS}
        for model, worker in killed.items():
            _wait_replaced(world, model, worker)
        time.sleep(_SETTLES_S)


def hang_workers(world: World) -> None:
    """SIGSTOP of every worker: it keeps its connections and answers nothing."""
    stopped = [worker for model in MODELS for worker in world.workers(model)]
    for worker in stopped:
        worker.suspend()
    try:
        for model in MODELS:
            wait_until(
                f"the hung workers of {model} are replaced",
                lambda model=model: _has_others(world, model, stopped),
                _REPLACED_WITHIN_S,
            )
        time.sleep(_SETTLES_S)
    finally:
        for worker in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.resume()


def kill_children(world: World) -> None:
    """kill -9 of the api, the controller and the tracking server, one after the other."""
    for name in ("api", "controller", "tracking"):
        killed = world.child(name)
        killed.kill()
        wait_until(f"another {name} runs", lambda name=name, killed=killed: _is_another(world, name, killed))
        time.sleep(_SETTLES_S)


def hand_over(world: World, times: int = 2) -> None:
    """Every gateway goes over to a successor, some times."""
    for _ in range(times):
        old = world.child("gateway")
        os.kill(world.supervisor, signal.SIGUSR2)
        wait_until("the old gateway is gone", lambda old=old: not old.is_running(), 90)
        time.sleep(_SETTLES_S)


def fill_disk(world: World) -> None:
    """The disk that inference records are spooled to takes no more for some seconds. It must be a small one."""
    room = os.statvfs(world.home.spool)
    if room.f_blocks * room.f_frsize > 512 * 1024**2:
        raise RuntimeError(f"{world.home.spool} lies on a large disk")
    ballast = world.home.spool / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    try:
        time.sleep(4.0)
    finally:
        ballast.unlink()
    time.sleep(_SETTLES_S)


SCENARIOS = (
    Scenario("nothing happens", lambda world: time.sleep(3.0)),  # noqa: ARG005 - it is the same for all
    Scenario("config updates", update_configs),
    Scenario("workers killed", kill_workers),
    Scenario("workers hang", hang_workers),
    Scenario("api, controller, tracking killed", kill_children),
    Scenario("gateway hands over", hand_over),
    Scenario("disk of the spool is full", fill_disk),
)


def damage(world: World, model: str, version: str, endpoint: str) -> Path:
    """Make what is served of a compiled version wrong, and have it loaded. Gives the artifact's folder.

    Every number that the network adds or multiplies by moves by a thousandth.
    """
    digest = world.certificate(model, version)["certificate"]["artifact"]
    [file] = world.home.compiled.glob(f"{digest}*/**/model.onnx")
    network = onnx.load(file)
    for tensor in network.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind == "f":
            tensor.CopyFrom(numpy_helper.from_array(values * values.dtype.type(1.001), tensor.name))
    # Laid out for reading only.
    file.parent.chmod(0o700)
    file.chmod(0o600)
    file.write_bytes(network.SerializeToString())
    for worker in world.workers(endpoint):
        worker.kill()
    return file.parent


def kill_one(world: World, model: str) -> None:
    """And wait until gateways know a worker that is not this one."""
    _wait_replaced(world, model, _killed(world, model))


def _killed(world: World, model: str) -> psutil.Process:
    wait_until(f"{model} has a worker", lambda: bool(world.workers(model)))
    killed = world.workers(model)[0]
    killed.kill()
    return killed


def _wait_replaced(world: World, model: str, killed: psutil.Process) -> None:
    wait_until(f"{model} has another worker", lambda: bool(set(world.workers(model)) - {killed}))


def _has_others(world: World, model: str, old: list[psutil.Process]) -> bool:
    now = world.workers(model)
    return bool(now) and not set(now) & set(old)


def _is_another(world: World, name: str, killed: psutil.Process) -> bool:
    with contextlib.suppress(RuntimeError):
        return world.child(name) != killed
    return False
