"""Invocations of a compiled version: bytes in, bytes out, many at a time."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pierhead.compile.runtime.artifact import Artifact, Outputs, UnusableArtifact
from pierhead.compile.runtime.declining import Declined
from pierhead.compile.runtime.decoding import Decoder
from pierhead.compile.runtime.encoding import encoder_of
from pierhead.compile.runtime.forms import Decoded
from pierhead.compile.runtime.tables import Table, Tabulator, joined
from pierhead.kit.frames import LARGEST_ANSWER_BYTES
from pierhead.worker.scoring import Answer, refusal

__all__ = ["CompiledScorer", "Declined"]

MOST_ROWS = 1024
"""In one run of the network: more is not faster, and the memory of a run stays small."""

MOST_BYTES = 8 * 1024 * 1024
"""Of requests that are decoded for one run."""

_LARGE_BYTES = 1024 * 1024
"""A request beyond that finds no memory by its own fault, a smaller one by that of others."""


class _Part(NamedTuple):
    """A decoded request on its way; `at` is its place among the answers."""

    at: int
    decoded: Decoded
    body: bytes


class CompiledScorer:
    """Answers what it can answer like the original, and declines the rest. Used by one thread at a time."""

    def __init__(self, artifact: Artifact, *, shares_runs: bool = True) -> None:
        """`shares_runs`: requests may share a run of the network, as they may if rows do not depend on each other.

        Raises UnusableArtifact.
        """
        self._artifact = artifact
        self._decoder = Decoder(artifact.spec)
        self._tabulator = Tabulator(artifact.spec.columns)
        self._shares_runs = shares_runs
        try:
            self._encoder = encoder_of(artifact.spec.answers, by_output=artifact.spec.by_output)
        except ValueError as error:
            raise UnusableArtifact(str(error)) from error

    def score(self, content_type: str, body: bytes) -> Answer | Declined:
        """Never raises."""
        return self.score_many([(content_type, body)])[0]

    def score_many(self, requests: Sequence[tuple[str, bytes]]) -> list[Answer | Declined]:
        """Answers in the order of requests, as (content type, body). Never raises."""
        outcomes: list[Any] = [None] * len(requests)
        parts: list[_Part] = []
        rows = size = 0
        for at, (content_type, body) in enumerate(requests):
            try:
                decoded: Decoded | Answer | Declined = self._decoder.decode(content_type, body)
            except MemoryError:
                decoded = _no_memory_for(body)
            if not isinstance(decoded, Decoded):
                outcomes[at] = decoded
                continue
            is_full = rows + len(decoded.rows) > MOST_ROWS or size + len(body) > MOST_BYTES
            if parts and (is_full or not self._shares_runs):
                self._run(parts, outcomes)
                parts, rows, size = [], 0, 0
            parts.append(_Part(at, decoded, body))
            rows += len(decoded.rows)
            size += len(body)
        if parts:
            self._run(parts, outcomes)
        return outcomes

    def _run(self, parts: list[_Part], outcomes: list[Any]) -> None:
        try:
            self._run_together(parts, outcomes)
        except Exception as error:
            if len(parts) == 1:
                [part] = parts
                is_short = isinstance(error, MemoryError)
                outcomes[part.at] = _no_memory_for(part.body) if is_short else _failed(error)
                return
            for part in parts:
                self._run([part], outcomes)

    def _run_together(self, parts: list[_Part], outcomes: list[Any]) -> None:
        table = self._tabulated(parts)
        counts = [len(part.decoded.rows) for part in parts]
        outputs = self._outputs(table)
        odd = self._artifact.declined(outputs)
        if table.odd is not None:
            odd = table.odd if odd is None else odd | table.odd
        bodies = self._encoder.bodies(outputs, counts)
        for part, body in zip(parts, bodies, strict=True):
            outcomes[part.at] = Answer(200, body) if len(body) <= LARGEST_ANSWER_BYTES else _too_large(body)
        if odd is not None:
            _decline(parts, counts, odd, outcomes)

    def _tabulated(self, parts: list[_Part]) -> Table:
        """Neighbours whose rows have the same order are made into one table at once."""
        tables: list[Table] = []
        order, rows = parts[0].decoded.order, list(parts[0].decoded.rows)
        for part in parts[1:]:
            if part.decoded.order != order:
                tables.append(self._tabulator.table(rows, order))
                order, rows = part.decoded.order, []
            rows.extend(part.decoded.rows)
        tables.append(self._tabulator.table(rows, order))
        return joined(tables)

    def _outputs(self, table: Table) -> Outputs:
        count = len(table.matrix)
        if count <= MOST_ROWS or not self._shares_runs:
            return self._artifact.run(table)
        slices = [self._artifact.run(table.part(at, at + MOST_ROWS)) for at in range(0, count, MOST_ROWS)]
        return {name: np.concatenate([outputs[name] for outputs in slices]) for name in slices[0]}


def _decline(parts: list[_Part], counts: list[int], odd: Any, outcomes: list[Any]) -> None:
    """All of a request with a row that only the original can answer."""
    start = 0
    for part, count in zip(parts, counts, strict=True):
        if odd[start : start + count].any():
            outcomes[part.at] = Declined("a row that only the original answers")
        start += count


def _failed(error: Exception) -> Declined:
    return Declined(f"the network failed: {type(error).__name__}")


def _no_memory_for(body: bytes) -> Answer:
    """The original would need more still."""
    message = "the worker has too little memory for this request"
    if len(body) > _LARGE_BYTES:
        return refusal(413, "MAX_REQUEST_SIZE_EXCEEDED", f"{message} of {len(body)} bytes; send fewer rows in one")
    return refusal(503, "TEMPORARILY_UNAVAILABLE", f"{message}; try again later")


def _too_large(body: bytes) -> Answer:
    message = (
        f"the answer is larger than {LARGEST_ANSWER_BYTES // 1024**2} MiB ({len(body)} bytes); "
        "send fewer rows in one request"
    )
    return refusal(500, "INTERNAL_ERROR", message)
