"""One platform for the e2e tests. Each of them leaves it running, with the endpoint `steady` ready."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import endpoints
from harness.platform import Platform

LOG_MODELS = Path(__file__).parent / "scripts" / "log_models.py"

# Many small commits: more moments at which a kill can hit one.
_SETTINGS = {"PIERHEAD_INGEST_INTERVAL_S": "0.2"}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[Platform]:
    """A platform with all models registered; `steady` serves `scale`, `moody` serves `moody`."""
    platform = Platform(tmp_path_factory.mktemp("e2e") / "home", environments=environments, settings=_SETTINGS)
    try:
        platform.start()
        platform.run_client(str(LOG_MODELS))
        endpoints.create(platform, "steady", endpoints.entity("scale", "1"))
        endpoints.create(platform, "moody", endpoints.entity("moody"))
        yield platform
    finally:
        platform.stop()


@pytest.fixture
def platform(running: Platform) -> Iterator[Platform]:
    """Running, and everything on it ready, before a test and after it."""
    for name in ("steady", "moody"):
        endpoints.wait_ready(running, name)
    yield running
    for name in ("steady", "moody"):
        endpoints.wait_ready(running, name)
