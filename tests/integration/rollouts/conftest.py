from collections.abc import Iterator
from pathlib import Path

import pytest
from rollouts_rig import RolloutRig

from pierhead.kit.db import Database


@pytest.fixture
def rig(tmp_path: Path, database: Database) -> Iterator[RolloutRig]:
    rig = RolloutRig(tmp_path, database)
    rig.live()
    yield rig
    rig.close()
