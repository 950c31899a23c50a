"""The worker of a compiled artifact: from outside a worker like any other, inside nothing but the runtime."""

import json
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.integration.worker.running_worker import RunningWorker
from tests.unit.compile.small_networks import telling

import pierhead.compile.runtime
from pierhead.kit import frames

SCRIPT = Path(pierhead.compile.runtime.__path__[0]) / "__main__.py"


def asked(*rows: list[object]) -> dict[str, object]:
    return {"dataframe_split": {"columns": ["a", "town"], "data": list(rows)}}


class CompiledWorker(RunningWorker):
    def __init__(self, artifact: Path | None, **orders: object) -> None:
        super().__init__(
            Path("/nonexistent"),
            script=SCRIPT,
            is_warm=False,
            artifact=artifact and str(artifact),
            **{"batching": True, **orders},
        )


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledWorker]:
    folder = telling(tmp_path_factory.mktemp("artifact"))
    request = json.dumps(asked([1.5, "Bergen"]))
    (folder / "golden.json").write_text(json.dumps([{"request": request, "predictions": [[1.5, 1.0]]}]))
    with CompiledWorker(folder) as running:
        running.until("ready")
        yield running


def test_a_proved_artifact_is_ready_without_a_word_and_without_the_models_libraries(worker: CompiledWorker) -> None:
    assert worker.status["message"] == ""
    assert worker.status["load_ms"] > 0
    maps = Path(f"/proc/{worker.process.pid}/maps").read_text()
    assert "onnxruntime" in maps
    assert not any(name in maps for name in ("/pandas/", "/sklearn/", "/scipy/", "/pyarrow/"))


def test_it_needs_less_than_a_hundred_megabytes(worker: CompiledWorker) -> None:
    rollup = Path(f"/proc/{worker.process.pid}/smaps_rollup").read_text()
    [pss_kb] = [int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")]
    assert pss_kb < 100_000


def test_many_requests_of_one_write_are_each_answered_refused_or_declined(worker: CompiledWorker) -> None:
    with worker.link() as link:
        for number in range(100):
            row = [None, "Oslo"] if number % 10 == 3 else [number, "Oslo"]
            link.send(b"{" if number % 10 == 7 else asked(row))
        found = {}
        for _ in range(100):
            frame = link.receive()
            assert frame is not None
            kind, request_id, payload = frame
            found[request_id - 1] = (kind, payload)
    for number, (kind, payload) in found.items():
        if number % 10 == 3:
            assert kind == frames.DECLINED
            assert frames.decode_declined(payload) == "a row that only the original answers"
            continue
        response = frames.decode_response(number, payload)
        if number % 10 == 7:
            assert response.status == 400
        else:
            assert json.loads(response.body) == {"predictions": [[number, 0]]}
    assert sorted(found) == list(range(100))


def test_several_gateways_each_hear_their_own_answers(worker: CompiledWorker) -> None:
    with worker.link() as one, worker.link() as other:
        for number in range(50):
            one.send(asked([number, "Oslo"]))
            other.send(asked([1000 + number, "Oslo"]))
        for number in range(50):
            assert json.loads(one.answer().body)["predictions"] == [[number, 0]]
            assert json.loads(other.answer().body)["predictions"] == [[1000 + number, 0]]


def test_a_gateway_that_hangs_up_in_the_middle_does_no_harm_to_others(worker: CompiledWorker) -> None:
    with worker.link() as link:
        for _ in range(20):
            with worker.link() as gone:
                for number in range(30):
                    gone.send(asked([number, "Oslo"]))
            assert link.ask(asked([7, "Oslo"])) == (200, {"predictions": [[7, 0]]})


def test_a_cancelled_request_may_be_left_out_and_pings_are_answered(worker: CompiledWorker) -> None:
    with worker.link() as link:
        link.signal(frames.PING, 9)
        assert link.receive() == (frames.PONG, 9, b"")
        dropped = link.send(asked([1, "Oslo"]))
        link.signal(frames.CANCEL, dropped)
        kept = link.send(asked([2, "Oslo"]))
        answer = link.answer()
        assert (answer if answer.id == kept else link.answer()).id == kept


def test_a_draining_worker_answers_what_comes_until_it_is_quiet(tmp_path: Path) -> None:
    with CompiledWorker(telling(tmp_path)) as running:
        running.until("ready")
        with running.link() as link:
            assert link.ask(asked([1, "Oslo"]))[0] == 200
            running.process.send_signal(signal.SIGTERM)
            assert link.receive() == (frames.GOAWAY, 0, b"")
            assert link.ask(asked([2, "Oslo"])) == (200, {"predictions": [[2, 0]]})
            assert running.status["phase"] == "draining"
            assert not running.socket.exists()
            assert link.receive() is None
        assert running.exit_code() == 0


def test_a_request_that_finds_no_memory_is_refused_and_its_companions_are_answered(tmp_path: Path) -> None:
    with CompiledWorker(telling(tmp_path)) as running:
        running.until("ready")
        with running.link() as link:
            assert link.ask(asked([1, "Oslo"]))[0] == 200
            # Enough for the bytes, not for what they hold.
            limit = psutil.Process(running.process.pid).memory_info().vms + 96 * 1024**2
            resource.prlimit(running.process.pid, resource.RLIMIT_AS, (limit, limit))
            huge = b'{"dataframe_split": {"columns": ["a", "town"], "data": [' + b'[1,"Oslo"],' * 1_000_000
            large = link.send(huge + b'[1, "Oslo"]]}}')
            small = link.send(asked([2, "Oslo"]))
            found = {answer.id: answer for answer in (link.answer(), link.answer())}

            assert found[large].status == 413
            assert "send fewer rows" in json.loads(found[large].body)["message"]
            assert json.loads(found[small].body) == {"predictions": [[2, 0]]}
            assert link.ask(asked([3, "Bergen"])) == (200, {"predictions": [[3, 1]]})


def test_an_artifact_whose_golden_rows_differ_does_not_become_ready(tmp_path: Path) -> None:
    telling(tmp_path)
    request = json.dumps(asked([1.5, "Bergen"]))
    (tmp_path / "golden.json").write_text(json.dumps([{"request": request, "predictions": [[1.5, 0.0]]}]))
    with CompiledWorker(tmp_path) as running:
        assert running.exit_code() == 3
        assert running.status["phase"] == "failed"
        assert running.status["message"] == "the artifact's answer to golden row 0 is not the original's"


@pytest.mark.parametrize(
    ("artifact", "message"), [(None, "the worker's record names no artifact"), (Path("/nowhere"), "cannot be used")]
)
def test_a_worker_without_an_artifact_fails_with_a_reason(artifact: Path | None, message: str) -> None:
    with CompiledWorker(artifact) as running:
        assert running.exit_code() == 3
        assert message in running.status["message"]


def test_it_ends_with_the_platform(tmp_path: Path) -> None:
    lifeline, platform = os.pipe()
    with RunningWorker(
        Path("/nonexistent"),
        script=SCRIPT,
        is_warm=False,
        artifact=str(telling(tmp_path)),
        environment={"PIERHEAD_LIFELINE_FD": str(lifeline)},
        fds=(lifeline,),
    ) as running:
        running.until("ready")
        os.close(platform)
        assert running.exit_code() != 0
    os.close(lifeline)


def test_it_starts_in_half_a_second_of_processor_time(tmp_path: Path) -> None:
    with CompiledWorker(telling(tmp_path)) as running:
        running.until("ready")
        time.sleep(0.05)
        fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
        spent_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    assert spent_s < 0.75
