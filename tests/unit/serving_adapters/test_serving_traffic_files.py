"""Counters of gateways that are gone."""

import json
import os
import time
from pathlib import Path

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS
from pierhead.serving.services.traffic import read_traffic

_NO_PROCESS = 2**22 + 1


def put(folder: Path, gateway: str, process_id: int, *, age_s: float) -> Path:
    counters = {
        "endpoint": "fraud",
        "entity": "model-1",
        "requests_by_status": {"200": 1},
        "latency_counts": [0] * (len(LATENCY_BOUNDS_MS) + 1),
        "latency_sum_ms": 1.0,
        "in_flight": 1,
    }
    content = {"gateway_id": gateway, "process_id": process_id, "records_dropped": 1, "entities": [counters]}
    path = folder / f"{gateway}.json"
    path.write_text(json.dumps(content))
    written_s = time.time() - age_s
    os.utime(path, (written_s, written_s))
    return path


def test_gateways_that_are_gone_for_long_neither_count_nor_leave_a_file(tmp_path: Path) -> None:
    put(tmp_path, "living", os.getpid(), age_s=0)
    put(tmp_path, "starting-again", _NO_PROCESS, age_s=30)
    gone = put(tmp_path, "gone", _NO_PROCESS, age_s=90)
    # A later process has the number of one that wrote before it began.
    reused = put(tmp_path, "reused", os.getpid(), age_s=10 * 365 * 86400)

    traffic = read_traffic(tmp_path, "fraud")

    assert traffic.records_dropped == 2
    assert traffic.by_entity["model-1"].requests_by_status == {"200": 2}
    assert traffic.by_entity["model-1"].in_flight == 1
    assert not gone.exists()
    assert not reused.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["living.json", "starting-again.json"]
