"""The compile job as a process, on real models, good ones and bad ones."""

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from pierhead.compile.domain import certificate as certificates
from pierhead.compile.domain.certificate import Certificate, Tier, Verdict
from pierhead.compile.parity.cases import Case
from pierhead.compile.parity.comparison import Given, Pair, compare, differences, verdict_of
from pierhead.compile.runtime.artifact import Artifact
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.uv import find_uv
from pierhead.worker.scoring import Answer

HERE = Path(__file__).parent
MEMORY_BYTES = 1500 * 1024**2

Compile = Callable[..., Certificate]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "job-models"
    if not (folder / "nothing_known" / "MLmodel").exists():
        folder.mkdir(exist_ok=True)
        subprocess.run(
            [sys.executable, str(HERE / "save_job_models.py"), str(folder)],
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
            cwd=folder,
            check=True,
            capture_output=True,
        )
    return folder


def job(order: dict[str, Any], folder: Path, *flags: str) -> "subprocess.Popen[bytes]":
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "order.json").write_text(json.dumps(order))
    with (folder / "process.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pierhead.compile.job", *flags, "--order", str(folder / "order.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )


def order_of(
    model: Path, output: Path, *, wall_s: float = 200.0, memory_bytes: int = MEMORY_BYTES, **more: Any
) -> dict[str, Any]:
    limits = {"memory_bytes": memory_bytes, "wall_s": wall_s}
    common = {"model": str(model), "python": sys.executable, "output": str(output), "limits": limits}
    return {"source": "a" * 64, "seed": 1, "rows": 200, **common, **more}


SAMPLE = {"dataframe_records": [{"age": 33.0, "income": None, "since": 1.65e12}]}


@pytest.fixture(scope="session")
def compiled(models: Path) -> Compile:
    """Compiles a model by name, once; its output lies in `models.parent / "compiled" / NAME`."""
    done: dict[str, Certificate] = {}

    def compile_once(name: str, **more: Any) -> Certificate:
        if name not in done:
            folder = models.parent / "compiled" / name
            code = job(order_of(models / name, folder, **more), folder).wait(240)
            assert code == 0, (folder / "process.log").read_text()
            done[name] = certificates.decode((folder / "certificate.json").read_bytes())
        return done[name]

    return compile_once


def output_of(models: Path, name: str) -> Path:
    return models.parent / "compiled" / name


@pytest.mark.parametrize("name", ["proba", "hgb"])
def test_a_model_is_compiled_and_proved(compiled, models, name, tmp_path):
    """`proba` was saved by skops, `hgb` by cloudpickle."""
    certificate = compiled(name, samples=[SAMPLE] if name == "hgb" else [])
    story = (output_of(models, name) / "job.log").read_text()[-3000:]
    assert certificate.verdict is Verdict.EXACT, story
    assert (certificate.tier, certificate.engine_row) == (Tier.COMPILED, "onnxruntime")
    assert (certificate.reason, certificate.source) == ("", "a" * 64)
    assert certificate.differences is not None
    assert certificate.differences.rows > 400
    assert (certificate.differences.flips, certificate.differences.mismatches) == (0, 0)
    assert certificate.is_row_independent
    assert {"numpy", "onnxruntime", "original mlflow"} <= set(certificate.versions)
    assert certificate.versions["original scikit-learn"] == version("scikit-learn")
    assert [timing.rows for timing in certificate.timings] == [1, 100, 10_000]
    assert all(timing.compiled_us is not None for timing in certificate.timings)
    artifact = output_of(models, name) / "artifact"
    assert certificate.artifact == ArtifactStore(tmp_path).add_tree(artifact, datetime.now(UTC))


def test_golden_rows_are_answered_by_the_artifact_alone(compiled, models):
    assert 100 <= compiled("proba").golden_rows <= 300
    folder = output_of(models, "proba") / "artifact"
    scorer = CompiledScorer(Artifact.load(folder))
    rows = json.loads((folder / "golden.json").read_text())
    assert len(rows) == compiled("proba").golden_rows
    pairs = []
    for row in rows:
        answer = scorer.score("application/json", row["request"].encode())
        assert isinstance(answer, Answer)
        original = Given(200, json.dumps({"predictions": row["predictions"]}).encode())
        pairs.append(Pair(Case("example", row["request"].encode(), 1), original, Given(200, answer.body)))
    found = compare(pairs)
    assert verdict_of(differences(found.rows, found.cases)) is Verdict.EXACT


def test_logged_requests_are_compared_too(compiled, models):
    compiled("hgb", samples=[SAMPLE])
    golden = json.loads((output_of(models, "hgb") / "artifact" / "golden.json").read_text())
    assert any(json.loads(row["request"]) == SAMPLE for row in golden)


def test_the_gate_asks_the_same_twice_and_refuses_thresholds_in_single_precision_with_a_row(compiled, models, tmp_path):
    compiled("hgb", samples=[SAMPLE])
    script = [sys.executable, str(HERE / "gate_a_changed_artifact.py")]
    artifact = output_of(models, "hgb") / "artifact"
    done = subprocess.run(
        [*script, str(models / "hgb"), str(artifact), str(tmp_path)], capture_output=True, check=True, timeout=240
    )
    first, again, changed = json.loads(done.stdout)
    assert first == again
    assert first["verdict"] == "exact"
    assert changed["verdict"] == "refused"
    assert changed["differences"]["mismatches"] >= 1
    assert changed["worst"]["kind"] == "boundary"
    assert changed["worst"]["original"] != changed["worst"]["compiled"]
    assert changed["worst"]["request"][:60] in changed["reason"]
    assert changed["golden"] == []


def test_a_step_that_nobody_knows_is_named_and_the_original_serves(compiled, models):
    certificate = compiled("unknown_step")
    assert certificate.verdict is Verdict.REFUSED
    assert "_odd" in certificate.reason
    assert (certificate.artifact, certificate.differences, certificate.golden_rows) == (None, None, 0)
    assert certificate.tier in (Tier.NATIVE, Tier.PYFUNC)
    assert certificate.is_row_independent
    assert not (output_of(models, "unknown_step") / "artifact").exists()


def test_a_logged_network_is_taken_as_it_is(compiled):
    certificate = compiled("onnx_scores")
    assert (certificate.verdict, certificate.made_by) == (Verdict.EXACT, "onnx as logged")
    assert certificate.tier is Tier.COMPILED


def test_a_logged_network_of_a_tensor_answers_with_its_outputs_by_name(compiled, models):
    certificate = compiled("onnx_rows")
    assert (certificate.verdict, certificate.made_by) == (Verdict.EXACT, "onnx as logged"), certificate.reason
    assert certificate.tier is Tier.COMPILED
    assert certificate.is_row_independent, certificate.row_dependence
    scorer = CompiledScorer(Artifact.load(output_of(models, "onnx_rows") / "artifact"))
    outcome = scorer.score("application/json", b'{"inputs": [[1, 0, 2], [0.5, -3, 0]]}')
    assert outcome.body == b'{"predictions": {"label": [0, 1], "scores": [[7.0, 4.0], [0.5, 4.0]]}}'


@pytest.mark.parametrize(
    ("name", "dependence"),
    [
        ("counts", "the same row was answered differently when it was asked again"),
        ("centers", "answers to rows in a batch of 32 differ from those one by one"),
        ("nothing_known", "could not be told: the version has neither an input example nor a signature"),
    ],
)
def test_requests_share_a_batch_only_where_rows_do_not_depend_on_each_other(compiled, name, dependence):
    certificate = compiled(name)
    assert certificate.row_dependence.startswith(dependence)
    assert not certificate.is_row_independent
    assert (certificate.verdict, certificate.tier) == (Verdict.REFUSED, Tier.PYFUNC)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dies_loading", "the model could not be loaded: the original: was ended by signal 11 (SIGSEGV)"),
        ("eats", "the model could not be loaded: the original: needed more than 800 MB of memory"),
    ],
)
def test_a_model_that_cannot_even_load_is_refused_with_the_reason(compiled, name, reason):
    certificate = compiled(name, memory_bytes=800 * 1024**2)
    assert (certificate.verdict, certificate.reason, certificate.tier) == (Verdict.REFUSED, reason, Tier.PYFUNC)


def test_a_model_that_dies_when_asked_is_refused_with_the_reason(compiled):
    certificate = compiled("dies_predicting")
    assert certificate.verdict is Verdict.REFUSED
    assert "was ended by signal 11" in certificate.row_dependence


def hidden_processes(output: Path) -> list[psutil.Process]:
    """Those that the model started in sessions of their own, told by the log, and are alive."""
    found = []
    for line in (output / "job.log").read_text().splitlines():
        if line.startswith("hidden process "):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(line.split()[-1]))
                if process.status() != psutil.STATUS_ZOMBIE and "sleep" in process.name():
                    found.append(process)
    return found


def test_a_model_that_hangs_is_ended_and_leaves_nothing_behind(models, tmp_path):
    began_s = time.monotonic()
    hanging = job(order_of(models / "hangs", tmp_path / "output", wall_s=24.0), tmp_path)
    assert hanging.wait(90) == 0
    assert time.monotonic() - began_s < 40
    certificate = certificates.decode((tmp_path / "output" / "certificate.json").read_bytes())
    assert "no answer within 8 s" in certificate.row_dependence
    assert "hidden process" in (tmp_path / "output" / "job.log").read_text()
    assert hidden_processes(tmp_path / "output") == []
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == ["certificate.json", "job.log"]


def test_a_killed_job_takes_its_children_along_though_they_hang(models, tmp_path):
    killed = job(order_of(models / "hangs", tmp_path / "output"), tmp_path)
    log = tmp_path / "output" / "job.log"
    wait_until(lambda: log.exists() and "alone and in company" in log.read_text())
    time.sleep(1.0)
    children = psutil.Process(killed.pid).children(recursive=True)
    hidden = hidden_processes(tmp_path / "output")
    assert len(children) >= 2
    try:
        os.kill(killed.pid, 9)
        killed.wait(10)
        # What hides in a session of its own outlives a killed job, not one that ends by itself.
        wait_until(lambda: not any(is_alive(child) for child in children if child not in hidden))
    finally:
        for process in (*children, *hidden):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def wait_until(condition: Callable[[], bool], patience_s: float = 60.0) -> None:
    ends_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < ends_s, "waited in vain"
        time.sleep(0.05)


def test_a_job_that_cannot_write_its_output_fails_and_says_why(models, tmp_path):
    (tmp_path / "output").write_text("in the way")
    assert job(order_of(models / "hgb", tmp_path / "output"), tmp_path).wait(60) == 1
    assert "FileExistsError" in (tmp_path / "process.log").read_text().splitlines()[-1]


def test_an_interpreter_that_is_not_there_is_a_refusal(models, tmp_path):
    order = {**order_of(models / "hgb", tmp_path / "output"), "python": "/nowhere/python"}
    assert job(order, tmp_path).wait(60) == 0
    certificate = certificates.decode((tmp_path / "output" / "certificate.json").read_bytes())
    assert "could not be loaded" in certificate.reason


def verified(models: Path, folder: Path, samples: list[tuple[str, bytes, bytes]]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    (folder / "samples.msgpack").write_bytes(msgspec.msgpack.encode(samples))
    order = order_of(models / "hgb", folder / "output", samples=str(folder / "samples.msgpack"))
    order["artifact"] = str(output_of(models, "hgb") / "artifact")
    assert job(order, folder, "--verify").wait(120) == 0, (folder / "process.log").read_text()
    result: dict[str, Any] = json.loads((folder / "output" / "verification.json").read_text())
    return result


def test_live_answers_are_checked_against_the_original(compiled, models, tmp_path):
    compiled("hgb", samples=[SAMPLE])
    scorer = CompiledScorer(Artifact.load(output_of(models, "hgb") / "artifact"))
    second = {"age": 1.0, "income": None, "since": 0.0}
    requests = [
        json.dumps({"dataframe_records": [{"age": age, "income": 5e4, "since": 1.65e12}, second]})
        for age in (20.0, 60.0)
    ]
    answers = [scorer.score("application/json", request.encode()) for request in requests]
    samples = [
        ("application/json", request.encode(), answer.body)
        for request, answer in zip(requests, answers, strict=True)
        if isinstance(answer, Answer)
    ]
    wrong = json.loads(samples[1][2])
    wrong["predictions"][1] += 0.25
    samples.append((*samples[1][:2], json.dumps(wrong).encode()))
    found = verified(models, tmp_path / "verified", samples)
    assert (found["rows"], found["mismatches"]) == (6, 1)
    assert json.loads(found["mismatch"]["request"]) == {"dataframe_records": [second]}
    apart = float(found["mismatch"]["compiled"]) - float(found["mismatch"]["original"])
    assert apart == pytest.approx(0.25)
    assert "relative difference" in found["mismatch"]["difference"]


def test_a_verification_without_the_original_fails(models, tmp_path):
    (tmp_path / "samples.msgpack").write_bytes(msgspec.msgpack.encode([("application/json", b"{}", b"{}")]))
    order = order_of(models / "hgb", tmp_path / "output", samples=str(tmp_path / "samples.msgpack"))
    order |= {"artifact": str(tmp_path), "python": "/nowhere/python"}
    assert job(order, tmp_path, "--verify").wait(60) == 1
    assert "/nowhere/python" in (tmp_path / "process.log").read_text().splitlines()[-1]


@pytest.mark.slow
def test_the_stock_converters_are_a_proposal_that_the_gate_judges(models, tmp_path):
    """A Gaussian process is smooth and passes; among neighbours at equal distance the converters choose otherwise."""
    uv = find_uv()
    assert uv is not None
    environment = tmp_path / "environment"
    subprocess.run([uv, "venv", "--python", sys.executable, environment], check=True, capture_output=True)
    # All but the converters comes from beside us: compiled modules of a fresh MLflow would take longer than the jobs.
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    requirements = Path(sys.modules["pierhead"].__path__[0]) / "compile" / "convert" / "requirements.txt"
    install = [uv, "pip", "install", "--no-deps", "--python", environment / "bin" / "python", "-r", requirements]
    subprocess.run(install, check=True, capture_output=True)
    outcomes = {}
    for name in ("process", "neighbours"):
        order = order_of(models / name, tmp_path / name / "output")
        order["converter_python"] = str(environment / "bin" / "python")
        assert job(order, tmp_path / name).wait(240) == 0
        outcomes[name] = certificates.decode((tmp_path / name / "output" / "certificate.json").read_bytes())
    assert outcomes["process"].made_by.startswith("skl2onnx ")
    assert outcomes["process"].verdict in (Verdict.EXACT, Verdict.EQUIVALENT), outcomes["process"].reason
    assert outcomes["neighbours"].verdict is Verdict.REFUSED
    assert "make the artifact (converters, float32)" in (tmp_path / "neighbours" / "output" / "job.log").read_text()
    assert outcomes["neighbours"].differences is not None
    assert outcomes["neighbours"].worst is not None
