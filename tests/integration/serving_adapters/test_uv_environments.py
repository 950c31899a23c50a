"""Environments built for real: small wheels made here, so that no index is needed; one with MLflow and scikit-learn."""

import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from tests.integration.worker.worker_client import GatewayLink, wait_for

from pierhead.kit.clock import SystemClock
from pierhead.serving.adapters.local_host import LocalWorkerHost
from pierhead.serving.adapters.uv_environments import UvEnvironments
from pierhead.serving.adapters.worker_processes import kill_recorded_workers
from pierhead.serving.ports import EnvironmentFailed, WorkerPhase, WorkerSpec

CONSTRAINTS = Path(__file__).parents[3] / "constraints.txt"
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def wheel(folder: Path, name: str, version: str = "1.0", requires: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}/__init__.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return file


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that uv can find: wheels in one folder, no index. Told in pip's words, which uv does not know."""
    shelf = tmp_path / "shelf"
    for name in ("mlflow", "pandas", "harbour"):
        wheel(shelf, name)
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return shelf


def model_folder(tmp_path: Path, requirements: str, *, python: str = MINOR) -> Path:
    folder = tmp_path / "model"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text(requirements)
    (folder / "python_env.yaml").write_text(f"python: {python}.1\nbuild_dependencies:\n- pip==24\n")
    return folder


def environments(tmp_path: Path, *, timeout_s: float = 120) -> UvEnvironments:
    return UvEnvironments(tmp_path / "envs", None, timeout_s)


def run(python: Path, code: str) -> str:
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_an_environment_is_built_once_and_found_again(shelf: Path, tmp_path: Path) -> None:
    model, log = model_folder(tmp_path, "mlflow\nharbour==1.0\n"), tmp_path / "logs" / "build.log"
    first = environments(tmp_path).build(model, log)
    assert run(first.python, "import harbour; print(harbour.VERSION)") == "1.0"
    assert "built in" in log.read_text()
    told = log.read_text()
    assert environments(tmp_path).build(model, log) == first
    assert log.read_text().startswith(told)
    assert log.read_text().endswith("built before, from the same requirements\n")


def test_models_of_equal_requirements_share_an_environment(shelf: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = environments(tmp_path).build(model_folder(tmp_path, "mlflow\nharbour==1.0\n"), log)
    other = environments(tmp_path).build(model_folder(tmp_path, "# same\nharbour==1.0\n\nmlflow  # too\n"), log)
    third = environments(tmp_path).build(model_folder(tmp_path, "mlflow\n"), log)
    assert one == other
    assert third.digest != one.digest


def test_the_environment_does_not_show_the_servers_packages(shelf: Path, tmp_path: Path) -> None:
    environment = environments(tmp_path).build(model_folder(tmp_path, "mlflow\n"), tmp_path / "log")
    found = run(environment.python, "import importlib.util as u; print(u.find_spec('sqlalchemy'), u.find_spec('pip'))")
    assert found == "None None"


def test_half_a_build_is_built_again(shelf: Path, tmp_path: Path) -> None:
    model, log = model_folder(tmp_path, "mlflow\nharbour\n"), tmp_path / "log"
    environment = environments(tmp_path).build(model, log)
    folder = environment.python.parents[1]
    (folder / ".ready").unlink()
    (folder / "bin" / "python").unlink()
    assert environments(tmp_path).build(model, log) == environment
    assert run(environment.python, "import harbour; print(harbour.VERSION)") == "1.0"


def test_two_builders_at_once_build_once(shelf: Path, tmp_path: Path) -> None:
    model, log = model_folder(tmp_path, "mlflow\nharbour\n"), tmp_path / "log"
    builders = [threading.Thread(target=environments(tmp_path).build, args=(model, log)) for _ in range(3)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert log.read_text().count("built in") == 1


def test_a_wheel_inside_the_model_is_installed_from_there(shelf: Path, tmp_path: Path) -> None:
    model = model_folder(tmp_path, "mlflow\ncode/anchor-2.0-py3-none-any.whl\n")
    wheel(model / "code", "anchor", "2.0")
    first = environments(tmp_path).build(model, tmp_path / "log")
    assert run(first.python, "import anchor; print(anchor.VERSION)") == "2.0"
    wheel(model / "code", "anchor", "2.0", requires="harbour")
    second = environments(tmp_path).build(model, tmp_path / "log")
    assert second.digest != first.digest


def test_constraints_of_the_model_hold(shelf: Path, tmp_path: Path) -> None:
    wheel(shelf, "harbour", "2.0")
    model = model_folder(tmp_path, "-c constraints.txt\nmlflow\nharbour\n")
    (model / "constraints.txt").write_text("harbour<2\n")
    environment = environments(tmp_path).build(model, tmp_path / "log")
    assert run(environment.python, "import harbour; print(harbour.VERSION)") == "1.0"
    (model / "constraints.txt").write_text("harbour>=2\n")
    assert environments(tmp_path).build(model, tmp_path / "log").digest != environment.digest


def test_conda_files_serve_where_there_is_no_requirements_file(shelf: Path, tmp_path: Path) -> None:
    model = model_folder(tmp_path, "")
    (model / "requirements.txt").unlink()
    (model / "python_env.yaml").unlink()
    (model / "conda.yaml").write_text(
        f"dependencies:\n- python={MINOR}.1\n- pip<=24\n- pip:\n  - mlflow\n  - harbour==1.0\n"
    )
    environment = environments(tmp_path).build(model, tmp_path / "log")
    assert run(environment.python, "import harbour; print(harbour.VERSION)") == "1.0"
    assert "pip section of conda.yaml" in (tmp_path / "log").read_text()


def test_mlflow_is_added_where_the_model_does_not_ask_for_it(shelf: Path, tmp_path: Path) -> None:
    wheel(shelf, "mlflow_skinny", "3.17.2")
    model = model_folder(tmp_path, "harbour\n")
    (model / "MLmodel").write_text("mlflow_version: 3.17.2\n")
    environment = environments(tmp_path).build(model, tmp_path / "log")
    assert run(environment.python, "import mlflow_skinny as m; print(m.VERSION)") == "3.17.2"
    assert "adding mlflow-skinny==3.17.2, pandas" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        ("mlflow\nnosuchthing==9\n", "nosuchthing"),
        ("mlflow\nharbour==7\n", "harbour==7"),
        ("mlflow\nharbour==1.0\nharbour>1\n", "harbour"),
        ("mlflow\nthis is no requirement !!\n", "this is no requirement"),
        ("mlflow\ncode/missing-1.0-py3-none-any.whl\n", "code/missing-1.0-py3-none-any.whl"),
    ],
)
def test_a_requirement_that_cannot_be_met_is_named_in_a_line_or_two(
    shelf: Path, tmp_path: Path, requirements: str, said: str
) -> None:
    with pytest.raises(EnvironmentFailed) as failure:
        environments(tmp_path).build(model_folder(tmp_path, requirements), tmp_path / "log")
    assert said in str(failure.value)
    assert len(str(failure.value).splitlines()) <= 2
    assert "error:" in (tmp_path / "log").read_text()
    assert f"failed: {failure.value}" in (tmp_path / "log").read_text()


def test_a_python_that_is_not_there_is_named_with_those_that_are(shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(
        EnvironmentFailed, match=r"asks for Python 3\.3, which is not on this machine \(there: .*3\.\d+"
    ):
        environments(tmp_path).build(model_folder(tmp_path, "mlflow\n", python="3.3"), tmp_path / "log")


def test_a_model_without_requirements_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(EnvironmentFailed, match="names no requirements"):
        environments(tmp_path).build(tmp_path / "model", tmp_path / "log")


def test_addresses_of_indexes_stay_out_of_logs_and_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://somebody:hush@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(EnvironmentFailed) as failure:
        environments(tmp_path).build(model_folder(tmp_path, "mlflow\n"), tmp_path / "log")
    for text in (str(failure.value), (tmp_path / "log").read_text()):
        assert "hush" not in text
        assert "127.0.0.1" not in text


def test_a_build_that_takes_too_long_is_ended_with_all_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "uv"
    slow.write_text("#!/bin/sh\necho working\nsleep 600\n")
    slow.chmod(0o755)
    builder = UvEnvironments(tmp_path / "envs", slow, 0.5)
    with pytest.raises(EnvironmentFailed, match=r"not built within 0\.5 s"):
        builder.build(model_folder(tmp_path, "mlflow\n"), tmp_path / "log")
    assert "working" in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_a_model_is_served_from_its_own_environment(
    models: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pins = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line)
    names = ("mlflow-skinny", "pandas", "scikit-learn", "numpy", "cloudpickle")
    model = tmp_path / "model"
    model.mkdir()
    for file in (models / "cloudpickle").iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    (model / "requirements.txt").write_text("".join(f"{name}=={pins[name]}\n" for name in names))
    environment = environments(tmp_path, timeout_s=600).build(model, tmp_path / "build.log")
    records = tmp_path_factory.mktemp("w")
    host = LocalWorkerHost(records, None, SystemClock())
    host.start(WorkerSpec("w1", "load", model, environment.python, tmp_path / "log", {}))
    try:
        wait_for(lambda: host.observe()[0].phase is not WorkerPhase.STARTING, "the worker")
        [worker] = host.observe()
        assert worker.phase is WorkerPhase.READY, worker.message
        with GatewayLink(worker.socket) as link:
            row = {"age": 20.0, "income": 1.0, "town": "Oslo"}
            assert link.ask({"dataframe_records": [row]}) == (200, {"predictions": [0]})
    finally:
        kill_recorded_workers(records)
        host.observe()
    assert [path for path in records.iterdir() if ".spare" not in path.name] == []
