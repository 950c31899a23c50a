"""Volumes: folders of files with a name and rights."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pierhead.catalog.domain.places import Traces
from pierhead.kit.names import FullName


class VolumeType(Enum):
    """Values are kept in rows and go over the wire."""

    MANAGED = "MANAGED"
    """The platform chooses the folder."""
    EXTERNAL = "EXTERNAL"
    """A folder of this machine that was there before."""


@dataclass(frozen=True, slots=True)
class Volume:
    id: str
    full_name: FullName
    type: VolumeType
    location: Path
    owner: str
    comment: str
    traces: Traces
