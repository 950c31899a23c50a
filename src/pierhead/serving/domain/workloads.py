"""What makes two workers interchangeable, and in which ways an entity's version can be run."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from pierhead.serving.domain.endpoints import ServedEntity
from pierhead.serving.domain.plans import PLAIN, Plan


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a version; workers under the same `key` are interchangeable.

    `artifact` is the compiled one's folder; None is the original.
    """

    key: str
    artifact: Path | None
    batches: bool

    @property
    def is_compiled(self) -> bool:
        return self.artifact is not None


def workload(endpoint_id: str, entity: ServedEntity) -> str:
    """The key of an entity's version and of its plain workers: 20 hex digits, the same in every process.

    Other files under the same version are another workload. The entity's name, its size and its traffic do not count,
    so a config that changes only those goes on with the running workers.
    """
    return _key(endpoint_id, entity, "")


def variants(endpoint_id: str, entity: ServedEntity, plan: Plan = PLAIN) -> tuple[Variant, ...]:
    """Every way that may be trusted under this plan, the one that is wanted first.

    The original, one request at a time, is right whatever the plan, and so is always the last of them. An artifact of
    another revision, or batches that are no longer thought right, are not among them.
    """
    ways = [Variant(workload(endpoint_id, entity), None, batches=False)]
    if plan.batches:
        ways.insert(0, Variant(_key(endpoint_id, entity, "batches"), None, batches=True))
    if plan.artifact is not None:
        key = _key(endpoint_id, entity, f"artifact {plan.revision} {plan.batches}")
        ways.insert(0, Variant(key, plan.artifact, plan.batches))
    return tuple(ways)


def _key(endpoint_id: str, entity: ServedEntity, way: str) -> str:
    variables = entity.spec.environment_vars
    environment = tuple(sorted(variables.items())) if variables else ()
    return _digest(endpoint_id, entity.model_name, entity.model_version, entity.digest, environment, way)


@lru_cache(maxsize=16_384)
def _digest(
    endpoint_id: str,
    model_name: str,
    model_version: str,
    digest: str,
    environment: tuple[tuple[str, str], ...],
    way: str,
) -> str:
    parts = [endpoint_id, model_name, model_version, digest, environment, *([way] if way else [])]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:20]
