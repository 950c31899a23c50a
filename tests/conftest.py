"""What holds for every suite."""

import gc
import os
import sys
from functools import cache
from pathlib import Path

import pytest
import starlette.routing
from hypothesis import HealthCheck, settings

# The machines are noisy: what is slow here and now says nothing about the test.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# Compiled modules are kept, also by the processes that tests start: to compile takes longer than most of them live.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Each process of the suite has one processor: threads of numerical libraries would spin in wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Each application compiles the paths of several hundred routes: the same ones, again and again.
starlette.routing.compile_path = cache(starlette.routing.compile_path)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all platforms of this run keep the environments of what they serve, so that each is built once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "environments"


def pytest_collection_finish() -> None:
    """What was loaded for the tests lives as long as they do: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
