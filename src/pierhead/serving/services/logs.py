"""What workers and builds wrote down."""

import os
from pathlib import Path

from pierhead.kit.errors import NotFound
from pierhead.serving.domain.endpoints import ConfigStatus, Endpoint, EndpointConfig
from pierhead.serving.domain.workloads import workload

TAIL_BYTES = 256 * 1024


class WorkloadLogs:
    """Reads the ends of `workers/WORKLOAD.log` and `builds/WORKLOAD.log` in the folder of logs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of_workers(self, endpoint: Endpoint, entity_name: str) -> str:
        """What the workers of a served entity printed lately. Raises NotFound."""
        return self._read(endpoint, entity_name, "workers")

    def of_builds(self, endpoint: Endpoint, entity_name: str) -> str:
        """How the environment of a served entity was built. Raises NotFound."""
        return self._read(endpoint, entity_name, "builds")

    def _read(self, endpoint: Endpoint, entity_name: str, kind: str) -> str:
        sources = _sources(endpoint, entity_name)
        texts = {key: tail(self._folder / kind / f"{key}.log") for key in sources}
        if len(sources) == 1:
            return next(iter(texts.values()))
        return "\n".join(f"--- {title} ---\n{texts[key]}" for key, title in sources.items())


def tail(path: Path, most_bytes: int = TAIL_BYTES) -> str:
    """The last bytes of a file as text, from the start of a line; empty if there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - most_bytes)
            file.seek(start)
            content = file.read(most_bytes)
    except FileNotFoundError:
        return ""
    if start:
        content = content.partition(b"\n")[2]
    return content.decode("utf-8", "replace")


def _sources(endpoint: Endpoint, entity_name: str) -> dict[str, str]:
    """Workload -> title: one entity name may stand for one version now and for another in the update."""
    configs = {config.version: config for config in (endpoint.active, endpoint.newest) if config is not None}
    sources: dict[str, str] = {}
    for config in configs.values():
        entity = config.find_entity(entity_name)
        if entity is not None:
            sources.setdefault(workload(endpoint.id, entity), _title(config))
    if not sources:
        known = sorted({entity.name for config in configs.values() for entity in config.entities})
        raise NotFound(f"endpoint {endpoint.name!r} serves no {entity_name!r}; it serves {', '.join(known)}")
    return sources


def _title(config: EndpointConfig) -> str:
    status = "active" if config.status is ConfigStatus.ACTIVE else config.status.value
    return f"config version {config.version} ({status})"
