from collections.abc import Iterator
from pathlib import Path

import pytest
from registry_world import World

from pierhead.kit.db import Database


@pytest.fixture
def world(tmp_path: Path, database: Database) -> Iterator[World]:
    world = World(tmp_path, database)
    yield world
    world.close()
