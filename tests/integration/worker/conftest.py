from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.worker.running_worker import RunningWorker, saved_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_models(tmp_path_factory.getbasetemp() / "saved-models")


@pytest.fixture(scope="module")
def obedient(models: Path) -> Iterator[RunningWorker]:
    """A worker of the model that does what it is told; for tests that leave it alive."""
    with RunningWorker(models / "obedient") as worker:
        worker.until("ready")
        yield worker
