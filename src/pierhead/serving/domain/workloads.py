"""What makes two workers interchangeable, and how many an entity needs."""

import hashlib
from math import ceil

import msgspec

from pierhead.serving.domain.endpoints import EndpointConfig, EntitySpec, ServedEntity

REPLICAS = {"Small": 1, "Medium": 2, "Large": 4}
"""Workers by workload size."""

CONCURRENCY_PER_REPLICA = 4
"""Units of provisioned concurrency that one worker stands for: `Small` is 4 of them and has one worker."""

MOST_CONCURRENCY = 64


def replicas(spec: EntitySpec) -> int:
    """Workers that must be ready: by size, or by the least concurrency asked for; one if nothing is said.

    >>> replicas(EntitySpec("m", "1", workload_size="Large"))
    4
    >>> replicas(EntitySpec("m", "1", min_provisioned_concurrency=8, max_provisioned_concurrency=16))
    2
    """
    if spec.workload_size is not None:
        return REPLICAS[spec.workload_size]
    return max(1, ceil((spec.min_provisioned_concurrency or 0) / CONCURRENCY_PER_REPLICA))


def workload(endpoint_id: str, entity: ServedEntity) -> str:
    """The key of the workers that can answer for an entity: 20 hex digits, the same in every process.

    Other files under the same version are another workload. The entity's name, its size and its traffic do not count,
    so a config that changes only those goes on with the running workers.
    """
    environment = sorted((entity.spec.environment_vars or {}).items())
    version = [entity.model_name, entity.model_version, entity.digest]
    identity = msgspec.json.encode([endpoint_id, *version, environment])
    return hashlib.sha256(identity).hexdigest()[:20]


def demand(config: EndpointConfig) -> dict[str, int]:
    """Workers that a config needs, by workload; entities of the same workload add up."""
    wanted: dict[str, int] = {}
    for entity in config.entities:
        key = workload(config.endpoint_id, entity)
        wanted[key] = wanted.get(key, 0) + replicas(entity.spec)
    return wanted
