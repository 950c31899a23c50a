"""Worker processes under LocalWorkerHost: started, watched, adopted, drained, killed."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.fakes.clock import FixedClock
from tests.integration.worker.worker_client import GatewayLink, wait_for
from tests.unit.compile.small_networks import telling

from pierhead.kit.clock import SystemClock
from pierhead.serving.adapters.local_host import LocalWorkerHost
from pierhead.serving.adapters.worker_processes import kill_recorded_workers
from pierhead.serving.ports import WorkerObservation, WorkerPhase, WorkerSpec


@pytest.fixture
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("w")
    yield folder
    kill_recorded_workers(folder)


@pytest.fixture
def host(records: Path) -> Iterator[LocalWorkerHost]:
    host = LocalWorkerHost(records, None, SystemClock())
    yield host
    kill_recorded_workers(records)
    host.observe()


def spec(models: Path, model: str, log: Path, **variables: str) -> WorkerSpec:
    return WorkerSpec("w1", "load-1", models / model, Path(sys.executable), log, variables)


def compiled_spec(tmp_path: Path) -> WorkerSpec:
    """Of a worker that starts in no time: to the host it is one like any other."""
    nowhere, artifact = Path("/nonexistent"), telling(tmp_path / "artifact")
    return WorkerSpec("w1", "load-1", nowhere, nowhere, tmp_path / "log", {}, artifact=artifact, batching=True)


def only(host: LocalWorkerHost) -> WorkerObservation:
    [observation] = host.observe()
    return observation


def until(host: LocalWorkerHost, phase: WorkerPhase) -> WorkerObservation:
    settled = (phase, WorkerPhase.FAILED, WorkerPhase.EXITED)
    observation = wait_for(lambda: only(host).phase in settled and only(host), f"{phase}")
    assert observation.phase is phase, observation
    return observation


def process_of(records: Path) -> psutil.Process:
    return psutil.Process(json.loads((records / "w1.json").read_text())["process_id"])


def test_a_worker_starts_and_becomes_ready(host: LocalWorkerHost, models: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "load-1.log"
    host.start(spec(models, "obedient", log, MINE="yes"))
    first = only(host)
    assert (first.worker_id, first.workload, first.phase) == ("w1", "load-1", WorkerPhase.STARTING)
    ready = until(host, WorkerPhase.READY)
    with GatewayLink(ready.socket) as link:
        assert link.ask({"inputs": ["hello"]}) == (200, {"predictions": ["hello 1.0"]})
    header, *printed = log.read_text().splitlines()
    assert header.startswith("--- 2")
    assert "worker w1 of load-1: model" in header
    assert "the model prints while it loads" in printed


def test_a_worker_finds_little_in_its_environment(
    host: LocalWorkerHost, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIERHEAD_DATABASE_URL", "DATABRICKS_TOKEN", "MLFLOW_TRACKING_TOKEN", "SOME_SECRET"):
        monkeypatch.setenv(name, "secret")
    host.start(spec(models, "obedient", tmp_path / "log", MINE="yes"))
    with GatewayLink(until(host, WorkerPhase.READY).socket) as link:
        _, answer = link.ask({"inputs": ["environment"]})
    variables = answer["predictions"][0]
    assert {"MINE", "OMP_NUM_THREADS", "PATH", "HOME"} <= set(variables)
    assert not {"SOME_SECRET", "DATABRICKS_TOKEN", "MLFLOW_TRACKING_TOKEN"} & set(variables)
    assert not [name for name in variables if name.startswith("PIERHEAD")]


def test_a_model_that_cannot_load_is_a_failed_worker(host: LocalWorkerHost, models: Path, tmp_path: Path) -> None:
    host.start(spec(models, "cannot_load", tmp_path / "log"))
    failed = until(host, WorkerPhase.FAILED)
    assert "RuntimeError: the weights are" in failed.message
    host.forget("w1")
    assert host.observe() == []


def test_a_process_that_dies_while_it_loads_says_so(
    host: LocalWorkerHost, models: Path, records: Path, tmp_path: Path
) -> None:
    host.start(spec(models, "ends_itself", tmp_path / "log"))
    observation = until(host, WorkerPhase.EXITED)
    assert observation.message == "the process was killed before it was ready (signal 9, from outside)"


def test_an_interpreter_that_is_not_there_leaves_no_record(host: LocalWorkerHost, models: Path, tmp_path: Path) -> None:
    broken = replace(spec(models, "obedient", tmp_path / "log"), python=tmp_path / "no" / "python")
    with pytest.raises(FileNotFoundError):
        host.start(broken)
    assert host.observe() == []


def test_a_killed_worker_has_exited(host: LocalWorkerHost, models: Path, records: Path, tmp_path: Path) -> None:
    host.start(spec(models, "obedient", tmp_path / "log"))
    with GatewayLink(until(host, WorkerPhase.READY).socket) as link:
        _, answer = link.ask({"inputs": ["fork"]})
    process_of(records).kill()
    exited = until(host, WorkerPhase.EXITED)
    assert exited.message == "the process was killed after it was ready (signal 9, from outside)"
    assert (exited.was_ready, exited.is_from_outside) == (True, True)
    child = answer["predictions"][0]
    wait_for(lambda: is_gone(child), "the end of the model's own child")
    host.forget("w1")
    assert [file.name for file in records.iterdir() if ".spare" not in file.name] == []


def is_gone(process_id: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    return True


def test_the_next_controller_adopts_running_workers(host: LocalWorkerHost, records: Path, tmp_path: Path) -> None:
    host.start(compiled_spec(tmp_path))
    ready = until(host, WorkerPhase.READY)
    successor = LocalWorkerHost(records, None, SystemClock())
    assert only(successor) == ready
    successor.drain("w1", grace_s=30)
    successor.drain("w1", grace_s=30)
    assert until(successor, WorkerPhase.EXITED).message == "the process was told to stop and is gone"
    successor.forget("w1")
    assert host.observe() == []


def test_a_worker_whose_starter_died_before_it_noted_the_process_is_adopted_too(
    host: LocalWorkerHost, records: Path, tmp_path: Path
) -> None:
    host.start(compiled_spec(tmp_path))
    until(host, WorkerPhase.READY)
    file = records / "w1.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "process_id": None, "created_s": None}))
    successor = LocalWorkerHost(records, None, SystemClock())
    assert only(successor).phase is WorkerPhase.READY
    successor.drain("w1", grace_s=30)
    until(successor, WorkerPhase.EXITED)


def test_a_record_without_any_process_is_given_up_after_a_while(
    models: Path, records: Path, tmp_path: Path, host: LocalWorkerHost
) -> None:
    clock = FixedClock()
    started = LocalWorkerHost(records, None, clock)
    started.start(spec(models, "sleeper", tmp_path / "log"))
    file = records / "w1.json"
    record = json.loads(file.read_text())
    os.killpg(record["process_id"], 9)
    wait_for(lambda: only(started).phase is WorkerPhase.EXITED, "the end of the process")
    (records / "w1.status").unlink(missing_ok=True)
    file.write_text(json.dumps({**record, "process_id": None, "created_s": None}))
    assert only(started).phase is WorkerPhase.STARTING
    clock.advance(60)
    assert only(started).phase is WorkerPhase.EXITED


def test_a_process_that_merely_has_the_same_number_is_not_the_worker(
    host: LocalWorkerHost, models: Path, records: Path, tmp_path: Path
) -> None:
    host.start(spec(models, "sleeper", tmp_path / "log"))
    record = json.loads((records / "w1.json").read_text())
    os.killpg(record["process_id"], 9)
    until(host, WorkerPhase.EXITED)
    (records / "w1.json").write_text(json.dumps({**record, "process_id": os.getpid()}))
    assert only(LocalWorkerHost(records, None, SystemClock())).phase is WorkerPhase.EXITED
    kill_recorded_workers(records)  # and here we still are


def test_a_worker_that_does_not_stop_in_time_is_killed(models: Path, records: Path, tmp_path: Path) -> None:
    clock = FixedClock()
    host = LocalWorkerHost(records, None, clock)
    host.start(spec(models, "obedient", tmp_path / "log"))
    with GatewayLink(until(host, WorkerPhase.READY).socket) as link:
        link.send({"inputs": ["sleep:60"]})
        link.send({"inputs": ["sleep:60"]})
        host.drain("w1", grace_s=5)
        assert only(host).phase is WorkerPhase.DRAINING
        clock.advance(4)
        assert only(host).phase is WorkerPhase.DRAINING
        clock.advance(2)
        until(host, WorkerPhase.EXITED)


def test_a_live_worker_cannot_be_forgotten(host: LocalWorkerHost, models: Path, records: Path, tmp_path: Path) -> None:
    host.start(spec(models, "sleeper", tmp_path / "log"))
    host.forget("w1")
    assert only(host).phase is WorkerPhase.STARTING
    host.drain("w1", grace_s=30)
    until(host, WorkerPhase.EXITED)


def test_a_new_platform_kills_what_the_last_one_left(host: LocalWorkerHost, records: Path, tmp_path: Path) -> None:
    host.start(compiled_spec(tmp_path))
    until(host, WorkerPhase.READY)
    process = process_of(records)
    kill_recorded_workers(records)
    assert is_gone(process.pid)
    assert [file.name for file in records.iterdir() if ".spare" not in file.name] == []


def test_workers_end_when_the_lifeline_is_cut(records: Path, tmp_path: Path) -> None:
    lifeline, platform = os.pipe()
    host = LocalWorkerHost(records, lifeline, SystemClock())
    host.start(compiled_spec(tmp_path))
    until(host, WorkerPhase.READY)
    os.close(platform)
    until(host, WorkerPhase.EXITED)
    os.close(lifeline)


def test_a_worker_that_uses_too_much_memory_is_killed_and_the_numbers_are_told(
    models: Path, records: Path, tmp_path: Path
) -> None:
    host = LocalWorkerHost(records, None, SystemClock(), memory_limit_bytes=20 * 1024**2)
    host.start(spec(models, "obedient", tmp_path / "log"))
    exited = wait_for(lambda: only(host).phase is WorkerPhase.EXITED and only(host), "its end")
    assert "MiB of memory, of 20 MiB that it may use, and was killed" in exited.message


def test_a_worker_that_somebody_stopped_is_killed(host: LocalWorkerHost, records: Path, tmp_path: Path) -> None:
    host.start(compiled_spec(tmp_path))
    until(host, WorkerPhase.READY)
    process_of(records).suspend()
    assert only(host).phase is WorkerPhase.READY
    assert "was stopped" in until(host, WorkerPhase.EXITED).message


def test_the_memory_of_a_worker_is_seen(host: LocalWorkerHost, models: Path, tmp_path: Path) -> None:
    host.start(spec(models, "obedient", tmp_path / "log"))
    assert until(host, WorkerPhase.READY).memory_bytes > 10 * 1024**2


def test_it_is_noticed_when_a_worker_is_ready_or_dead(host: LocalWorkerHost, models: Path, tmp_path: Path) -> None:
    host.start(spec(models, "obedient", tmp_path / "log"))
    assert not host.has_settled(["w1"])
    wait_for(lambda: host.has_settled(["w1"]), "its being ready")
    assert only(host).phase is WorkerPhase.READY

    host.start(replace(spec(models, "ends_itself", tmp_path / "log"), worker_id="w2"))
    wait_for(lambda: host.has_settled(["w2"]), "its death")
    assert not host.has_settled([])


def test_a_compiled_artifact_is_run_by_the_servers_own_python(
    host: LocalWorkerHost, models: Path, records: Path, tmp_path: Path
) -> None:
    artifact = telling(tmp_path / "artifact")
    row = {"dataframe_split": {"columns": ["a", "town"], "data": [[1.5, "Bergen"]]}}
    golden = [{"request": json.dumps(row), "predictions": [[1.5, 1.0]]}]
    (artifact / "golden.json").write_text(json.dumps(golden))
    nowhere = Path("/nonexistent")
    order = replace(spec(models, "obedient", tmp_path / "log"), model=nowhere, python=nowhere, artifact=artifact)
    host.start(replace(order, batching=True))
    ready = until(host, WorkerPhase.READY)
    with GatewayLink(ready.socket) as link:
        assert link.ask(row) == (200, {"predictions": [[1.5, 1.0]]})
    assert process_of(records).cmdline()[0] == sys.executable
    record = json.loads((records / "w1.json").read_text())
    assert (record["artifact"], record["batching"]) == (str(artifact), True)
