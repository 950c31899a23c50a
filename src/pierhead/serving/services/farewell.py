"""Waits until gateways have forgotten a deleted endpoint, so that whoever deleted it can rely on it."""

import time

from pierhead.kit.clock import monotonic_s
from pierhead.serving.ports import SnapshotPlace

_PAUSE_S = 0.02
_GATEWAYS_LOOK_S = 0.1  # they look at the snapshot every 50 ms


def await_forgotten(snapshots: SnapshotPlace, endpoint_id: str, *, timeout_s: float) -> bool:
    """Whether gateways stopped routing to the endpoint in time. They will, as soon as a controller runs."""
    deadline = monotonic_s() + timeout_s
    while _is_routed(snapshots, endpoint_id):
        if monotonic_s() >= deadline:
            return False
        time.sleep(_PAUSE_S)
    time.sleep(_GATEWAYS_LOOK_S)
    return True


def _is_routed(snapshots: SnapshotPlace, endpoint_id: str) -> bool:
    snapshot = snapshots.read()
    return snapshot is not None and any(route.endpoint_id == endpoint_id for route in snapshot.endpoints.values())
