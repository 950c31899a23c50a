"""Where a version comes from and where it has gone."""

from collections.abc import Mapping
from dataclasses import dataclass

from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Lineage:
    """`environment` are the version's requirements files, their text by path. `endpoints` serve the version now;
    `copies` were registered from it. Both hold only what the reader may see."""

    version: ModelVersion
    provenance: Provenance | None
    environment: Mapping[str, str]
    endpoints: tuple[str, ...]
    copies: tuple[ModelVersion, ...]
