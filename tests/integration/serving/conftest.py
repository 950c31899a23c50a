from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_rig import Rig

from pierhead.kit.db import Database


@pytest.fixture
def rig(tmp_path: Path, database: Database) -> Iterator[Rig]:
    rig = Rig(tmp_path, database)
    yield rig
    rig.close()
