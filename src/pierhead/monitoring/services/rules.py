"""What others say about the rows of inference tables."""

from dataclasses import dataclass, field

from pierhead.monitoring.domain.signatures import Signature
from pierhead.monitoring.ports import Policies, Signatures
from pierhead.monitoring.services.live.counting import LiveCounts
from pierhead.serving.domain.table_tags import TablePolicy


class NoSignatures:
    """Nobody says what models take: kinds follow from the values."""

    def find(self, model_name: str, model_version: str) -> Signature | None:  # noqa: ARG002
        return None


class KeepAll:
    """Every endpoint keeps all its rows as they are, for ever."""

    def find(self, endpoint_id: str) -> TablePolicy | None:  # noqa: ARG002
        return TablePolicy()


@dataclass(frozen=True, slots=True)
class Rules:
    """What models and endpoints say of their rows. `masking_key` is the secret of hashes, at most 64 bytes; `counts`
    hears of every new prediction."""

    signatures: Signatures = field(default_factory=NoSignatures)
    policies: Policies = field(default_factory=KeepAll)
    masking_key: bytes = b""
    counts: LiveCounts | None = None
