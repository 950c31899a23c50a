"""Audit trails made up for tests: a chain of records, and checkpoints signed by a key of their own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pierhead.identity.domain.audit import START, Record, fields_of, record_of
from pierhead.identity.domain.audit_checkpoints import Checkpoint, Signed
from pierhead.identity.domain.audit_merkle import Tree
from pierhead.identity.domain.audit_verification import Evidence, Mark
from pierhead.identity.services.audit_keys import Signer
from pierhead.kit.audit_context import Acting, Actor

LOG_ID = "0" * 32
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def call_of(name: str, params: Mapping[str, object] | None = None) -> Acting:
    given = {"name": "main.risk.churn"} if params is None else params
    return Acting(Actor(name, "user", name), "POST /2.0/mlflow/registered-models/create", params=given)


def chain(size: int) -> list[Record]:
    """So many records, each a second after the one before."""
    records: list[Record] = []
    previous = START
    for number in range(1, size + 1):
        fields = fields_of(call_of(f"user{number % 3}", {"name": f"m{number}"}), {}, _second(number), None)
        records.append(record_of(fields, number, previous))
        previous = records[-1].digest
    return records


@cache
def signer() -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(b"k" * 32))


def checkpoints(records: Sequence[Record], *sizes: int, by: Signer | None = None) -> list[Signed]:
    """A checkpoint at each of these sizes."""
    signed: list[Signed] = []
    previous = None
    for number, size in enumerate(sizes, 1):
        tree = Tree()
        for record in records[:size]:
            tree = tree.with_leaf(record.digest)
        checkpoint = Checkpoint(LOG_ID, number, tree, records[size - 1].digest, _second(size), previous)
        previous = checkpoint.digest
        signed.append((by or signer()).sign(checkpoint))
    return signed


def evidence(signed: Sequence[Signed], mark: Mark | None = None) -> Evidence:
    return Evidence(LOG_ID, signed, signer().verifier.is_signed, mark)


def _second(number: int) -> datetime:
    return BEGIN + timedelta(seconds=number)
