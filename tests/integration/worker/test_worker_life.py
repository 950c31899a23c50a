"""How a worker starts, ends, and what it keeps from its model."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.integration.worker.running_worker import SCRIPT, RunningWorker
from tests.integration.worker.worker_client import wait_for

from pierhead.kit import frames


def test_a_ready_worker_says_how_long_it_took_and_which_process_it_is(obedient: RunningWorker) -> None:
    status = obedient.status
    assert status["pid"] == obedient.process.pid
    assert status["load_ms"] > 0
    assert abs(status["started_at_s"] - time.time()) < 600
    assert "the model prints while it loads" in obedient.log.read_text()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "cannot_load",
            "the model could not be loaded: RuntimeError: the weights are\nnot where they should be",
        ),
        (
            "cannot_predict",
            "the model cannot predict a row made up from its signature: the model refused this input: "
            "AttributeError: 'Tree' object has no attribute 'missing'",
        ),
        (
            "never_fitted",
            "the model cannot predict a row made up from its signature: the model refused this input: NotFittedError",
        ),
    ],
)
def test_a_model_that_does_not_work_fails_with_a_reason_and_no_trace(models: Path, model: str, message: str) -> None:
    with RunningWorker(models / model) as worker:
        assert worker.exit_code() == 3
        assert worker.status["phase"] == "failed"
        assert worker.status["message"].startswith(message)
        assert "Traceback" not in worker.status["message"]
        assert "Traceback" in worker.log.read_text()
        assert not worker.socket.exists()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("signature_only", ""),
        ("tensor", ""),
        ("nothing_known", "not proved: the version has neither an input example nor a signature"),
        ("picky", "not proved: the model refused this input: ValueError: Found unknown categories"),
    ],
)
def test_a_model_without_an_example_is_proved_as_far_as_it_goes(models: Path, model: str, message: str) -> None:
    with RunningWorker(models / model) as worker:
        said = worker.until("ready")["message"]
        assert said.startswith(message)
        assert bool(said) == bool(message)


def test_a_missing_model_folder_fails_with_a_reason(tmp_path: Path) -> None:
    with RunningWorker(tmp_path / "nowhere") as worker:
        assert worker.exit_code() == 3
        assert "nowhere" in worker.status["message"]


def test_a_worker_without_a_record_ends_at_once(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, str(SCRIPT), "--config", str(tmp_path / "none.json")], check=False)
    assert ended.returncode == 2


def test_a_model_sees_neither_the_platform_nor_its_packages(models: Path) -> None:
    variables = {"PIERHEAD_SECRET": "x", "MINE": "y"}
    with RunningWorker(models / "obedient", environment=variables, is_warm=False) as worker:
        worker.until("ready")
        with worker.link() as link:
            _, answer = link.ask({"inputs": ["environment"]})
    variables, paths, modules = answer["predictions"]
    assert "MINE" in variables
    assert not [name for name in variables if name.startswith("PIERHEAD")]
    assert not [path for path in paths if path.endswith("pierhead/worker")]
    assert all(name.startswith(("pierhead.worker", "pierhead.kit")) for name in modules if name != "pierhead")


def test_a_draining_worker_answers_what_it_has_and_goes(models: Path) -> None:
    with RunningWorker(models / "obedient") as worker:
        worker.until("ready")
        with worker.link() as link:
            sent = [link.send({"inputs": ["sleep:0.3"]}), link.send({"inputs": ["second"]})]
            time.sleep(0.1)
            worker.process.send_signal(signal.SIGTERM)
            assert link.receive() == (frames.GOAWAY, 0, b"")
            assert worker.status["phase"] == "draining"
            assert not worker.socket.exists()
            assert [link.answer().id, link.answer().id] == sent
        assert worker.exit_code() == 0


def test_a_draining_worker_does_not_wait_for_gateways_that_stay_silent(models: Path) -> None:
    with RunningWorker(models / "obedient") as worker:
        worker.until("ready")
        with worker.link() as link:
            link.signal(frames.PING, 1)
            link.receive()
            worker.process.send_signal(signal.SIGTERM)
            assert worker.exit_code() == 0


def test_a_drain_ends_with_the_time_out_of_the_last_request(models: Path) -> None:
    with RunningWorker(models / "obedient") as worker:
        worker.until("ready")
        with worker.link() as link:
            link.send({"inputs": ["sleep:30"]}, timeout_ms=500)
            time.sleep(0.1)
            worker.process.send_signal(signal.SIGTERM)
            assert worker.exit_code() == 0


def test_a_worker_ends_with_the_platform_and_takes_its_models_children_along(models: Path) -> None:
    lifeline, platform = os.pipe()
    with RunningWorker(
        models / "obedient", environment={"PIERHEAD_LIFELINE_FD": str(lifeline)}, fds=(lifeline,), is_warm=False
    ) as worker:
        worker.until("ready")
        with worker.link() as link:
            _, answer = link.ask({"inputs": ["fork"]})
        os.close(platform)
        assert worker.exit_code() != 0
    os.close(lifeline)
    child = Path(f"/proc/{answer['predictions'][0]}/stat")
    wait_for(lambda: not child.exists() or ") Z " in child.read_text(), "the end of the model's child")


def test_a_worker_ends_with_the_platform_while_it_loads(models: Path) -> None:
    lifeline, platform = os.pipe()
    with RunningWorker(
        models / "sleeper", environment={"PIERHEAD_LIFELINE_FD": str(lifeline)}, fds=(lifeline,)
    ) as worker:
        wait_for(lambda: worker.status["phase"] == "loading", "the first sign")
        os.close(platform)
        assert worker.exit_code() != 0
    os.close(lifeline)


def test_a_prediction_without_end_ends_the_process_after_gateways_were_told_which_it_was(models: Path) -> None:
    with RunningWorker(models / "obedient") as worker:
        worker.until("ready")
        with worker.link() as link, worker.link() as bystander:
            stuck = link.send({"inputs": ["sleep:60"]}, timeout_ms=200)
            link.send({"inputs": ["behind"]})
            bystander.send({"inputs": ["elsewhere"]})
            assert link.receive() == (frames.GOAWAY, 0, b"")
            answer = link.answer()
            assert (answer.id, answer.status) == (stuck, 504)
            # What never began has no answer: with the good-bye it is not this worker's victim.
            assert link.receive() is None
            assert bystander.receive() == (frames.GOAWAY, 0, b"")
            assert bystander.receive() is None
        assert worker.exit_code() == 4
        assert worker.status["last_words"] == "a prediction went on for more than 5 s after its time-out"
        # The log shows where the model hangs.
        assert "save_models.py" in worker.log.read_text()


def test_native_code_that_never_lets_go_ends_the_process_too(models: Path) -> None:
    with RunningWorker(models / "obedient") as worker:
        worker.until("ready")
        with worker.link() as link:
            link.send({"inputs": ["hold"]}, timeout_ms=200)
            assert link.receive() is None
        assert worker.exit_code() == -signal.SIGALRM


def test_a_slow_prediction_within_its_time_out_is_left_alone(models: Path) -> None:
    with RunningWorker(models / "obedient") as worker:
        worker.until("ready")
        with worker.link() as link:
            for _ in range(2):
                link.send({"inputs": ["sleep:0.5"]}, timeout_ms=2000)
            assert [link.answer().status, link.answer().status] == [200, 200]


def test_the_exact_serving_example_is_what_proves_a_model(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in (models / "cloudpickle").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    example = json.loads((folder / "serving_input_example.json").read_text())
    example["dataframe_split"]["columns"] = ["age", "earnings", "town"]
    (folder / "serving_input_example.json").write_text(json.dumps(example))
    with RunningWorker(folder) as worker:
        assert worker.exit_code() == 3
        assert worker.status["message"] == (
            "the model cannot predict its own input example: Model is missing inputs ['income']. "
            "Note that there were extra inputs: ['earnings']."
        )
