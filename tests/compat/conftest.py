"""One platform for all compat tests: starting it and building environments is what takes time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.platform import Platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("compat") / "home", environments=environments)
    try:
        yield platform.start()
    finally:
        platform.stop()
