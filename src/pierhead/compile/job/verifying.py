"""Answers that an artifact gave in production, compared with the original's."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from pierhead.compile.job.order import VerifyOrder
from pierhead.compile.job.original import Original
from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.side import CommandRefused, SideFailed
from pierhead.compile.job.stages import Stages
from pierhead.compile.parity.cases import Case, one_row
from pierhead.compile.parity.comparison import Given, Pair, RowResult, compare, is_label_tie
from pierhead.compile.parity.worst import shown, worst_of

RESULT = "verification.json"

_LONGEST_BODY = 10_000

_SAMPLES = msgspec.msgpack.Decoder(list[tuple[str, bytes, bytes]])


class VerificationBroke(Exception):
    """The original could not be asked; the message says why."""


def verify_answers(order: VerifyOrder) -> None:
    """Leaves `verification.json` in the output folder: `rows`, `mismatches` and `mismatch`.

    `mismatch` is None or the clearest wrong row: `request`, `original`, `compiled` and `difference`, a clause.
    Raises VerificationBroke, OSError, or msgspec.DecodeError if the samples cannot be read.
    """
    samples = _SAMPLES.decode(order.samples.read_bytes())
    order.output.mkdir(parents=True, exist_ok=True)
    with (
        (order.output / "job.log").open("ab", buffering=0) as log,
        tempfile.TemporaryDirectory(prefix="scratch", dir=order.output, ignore_cleanup_errors=True) as scratch,
        Sandbox(order.limits, log, Path(scratch)) as sandbox,
    ):
        stages = Stages(log)
        original = Original(sandbox, order.python, order.model)
        try:
            with stages.stage(f"ask the original for {len(samples)} answers"):
                rows = _compared(original, samples)
        except (SideFailed, CommandRefused) as error:
            raise VerificationBroke(str(error)) from error
    wrong = [row for row in rows if row.is_wrong]
    result = {"rows": len(rows), "mismatches": len(wrong), "mismatch": _told(wrong)}
    (order.output / RESULT).write_text(json.dumps(result))


def _compared(original: Original, samples: list[tuple[str, bytes, bytes]]) -> list[RowResult]:
    cases = [Case("logged", request, 0, content_type) for content_type, request, _ in samples]
    pairs = [
        Pair(case, original.score(case), Given(200, answer))
        for case, (_, _, answer) in zip(cases, samples, strict=True)
    ]
    return [
        row
        if row.labels is None
        else replace(row, tie=is_label_tie(original.scores(one_row(row.pair.case.body, row.at)), row.labels))
        for row in compare(pairs).rows
    ]


def _told(wrong: list[RowResult]) -> dict[str, str] | None:
    worst = worst_of(wrong)
    if worst is None:
        return None
    row = shown(worst, _LONGEST_BODY)
    return {
        "request": row.request,
        "original": row.original,
        "compiled": row.compiled,
        "difference": _clause(worst),
    }


def _clause(row: RowResult) -> str:
    if not row.pair.original.is_answer:
        return "an answer where the original refuses"
    if row.flip and row.labels is not None:
        return f"another decision: {row.labels[1]!r} for {row.labels[0]!r}"
    if row.flip:
        return f"another decision, scores {row.difference:.1e} apart"
    return f"a relative difference of {row.difference:.1e}"
