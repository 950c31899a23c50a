"""A champion, its candidate, and what observers were told."""

from pathlib import Path
from typing import Any

from gateway_rig import FakeWorker, Rig, entity, fraud

from pierhead.gateway.records import InferenceRecord, decode
from pierhead.kit import spool
from pierhead.serving.domain.snapshot import EndpointRoute, RampRoute

SALT = "ramp-1"


def ramp(points: int = 0, **options: Any) -> RampRoute:
    return RampRoute("candidate", points, SALT, **{"shadow_timeout_s": 10.0, **options})


def ramped(champion: FakeWorker, candidate: FakeWorker | None, with_ramp: RampRoute, **options: Any) -> EndpointRoute:
    """The endpoint `fraud`, observed by `ro1`."""
    workers = [] if candidate is None else [candidate]
    entities = [entity("champion", champion), entity("candidate", *workers, weight=0)]
    return fraud(entities, ramp=with_ramp, **{"observed_by": ["ro1"], **options})


def observed(rig: Rig, observer: str = "ro1") -> list[InferenceRecord]:
    """All that was written down for an observer, each gateway's in its order."""
    root: Path = rig.folder / "observations"
    streams = spool.streams(root, f"pierhead.observations.{observer}")
    return [decode(raw) for stream in streams for raw in spool.read(stream, 0, 1 << 26)[0]]


def shadows(rig: Rig) -> list[InferenceRecord]:
    return [record for record in observed(rig) if record.route == "shadow"]
