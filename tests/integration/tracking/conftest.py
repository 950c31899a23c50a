"""One running stack for all tests of this folder: it takes ten seconds to start."""

from collections.abc import Iterator

import pytest

from integration.tracking.tracking_stack import TrackingStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingStack]:
    with TrackingStack(tmp_path_factory.mktemp("tracking")) as running:
        running.wait()
        yield running
