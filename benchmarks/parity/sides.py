"""The two that are asked: what serves a version, and MLflow's own scoring."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pierhead.compile.domain.certificate import Certificate, Tier
from pierhead.compile.runtime.artifact import Artifact
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.worker.batching import batcher_of
from pierhead.worker.scoring import Answer, Scorer

Requests = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a request: an answer, a refusal, or left to the original."""

    status: int
    body: bytes
    is_declined: bool = False


class Original:
    """MLflow's scoring function, one request at a time."""

    def __init__(self, model: Any) -> None:
        self._scorer = Scorer(model)

    def ask(self, requests: Requests) -> list[Said]:
        return [_said(self._scorer.score(content_type, body)) for content_type, body in requests]


class Compiled:
    """What a tier A worker runs."""

    def __init__(self, artifact: Path, *, shares_runs: bool) -> None:
        self._scorer = CompiledScorer(Artifact.load(artifact), shares_runs=shares_runs)

    def ask(self, requests: Requests) -> list[Said]:
        found = self._scorer.score_many(requests)
        return [_said(one) if isinstance(one, Answer) else Said(0, one.reason.encode(), True) for one in found]


class Native:
    """What a worker of tiers B and C runs: requests in one prediction where rows are independent, else one by one."""

    def __init__(self, model: Any, *, batches: bool) -> None:
        self._scorer = Scorer(model)
        self._batcher = batcher_of(model) if batches else None

    def ask(self, requests: Requests) -> list[Said]:
        together = self._batcher.answer(requests) if self._batcher else [None] * len(requests)
        return [
            _said(self._scorer.score(*request) if answer is None else answer)
            for request, answer in zip(requests, together, strict=True)
        ]


def serving_side(certificate: Certificate, artifact: Path | None, model: Any) -> Compiled | Native:
    """By the tier that the certificate chose."""
    if certificate.tier is Tier.COMPILED:
        assert artifact is not None
        return Compiled(artifact, shares_runs=certificate.is_row_independent)
    return Native(model, batches=certificate.is_row_independent)


def _said(answer: Answer) -> Said:
    return Said(answer.status, answer.body)
