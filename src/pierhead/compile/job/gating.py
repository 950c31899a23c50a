"""The parity gate: original and artifact are asked the same, and the artifact passes or does not."""

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pierhead.compile.domain.certificate import Differences, Verdict, WorstRow
from pierhead.compile.domain.program import Program
from pierhead.compile.emit.evaluate import evaluate
from pierhead.compile.job.original import Original
from pierhead.compile.job.side import Side
from pierhead.compile.job.stages import Stages
from pierhead.compile.parity.boundaries import find_boundaries
from pierhead.compile.parity.cases import Case, Layout, Row, one_row, parse, render
from pierhead.compile.parity.comparison import (
    Comparison,
    Pair,
    RowResult,
    compare,
    differences,
    is_label_tie,
    predictions_of,
    verdict_of,
)
from pierhead.compile.parity.golden import golden_rows
from pierhead.compile.parity.jumps import find_jumps
from pierhead.compile.parity.ordinary import Pools
from pierhead.compile.parity.probes import (
    Known,
    boundary_cases,
    given_cases,
    odd_cases,
    random_cases,
    regrouped,
)
from pierhead.compile.parity.unusual import Unusual
from pierhead.compile.parity.worst import how, shown, worst_of

_FEWEST_ROWS = 20
_JUMPS = 150
_MOST_DECLINED_SHARE = 0.2
_MOST_TIES_ASKED = 300


@dataclass(frozen=True, slots=True)
class Gated:
    """`reason` is empty if it passed."""

    verdict: Verdict
    reason: str
    differences: Differences
    worst: WorstRow | None
    rows_digest: str
    golden: Sequence[Mapping[str, Any]]


class Gate:
    """Compares one artifact with its original."""

    def __init__(self, original: Original, compiled: Side, stages: Stages, seed: int, rows: int) -> None:
        """About `rows` random rows, and as many around boundaries."""
        self._original = original
        self._compiled = compiled
        self._stages = stages
        self._draw = random.Random(seed)
        self._rows = rows

    def judge(self, known: Known, layout: Layout | None, program: Program | None) -> Gated:
        """`layout` is None where rows can only be had as they were given. Raises SideFailed."""
        pairs: list[Pair] = []
        for name, cases in self._probes(known, layout, program):
            with self._stages.stage(f"compare {name} ({sum(case.rows for case in cases)} rows, {len(cases)} requests)"):
                pairs += self._asked(cases)
        if layout is not None:
            with self._stages.stage("compare unusual rows"):
                pairs += Unusual(layout, Pools(layout, known.rows(layout)), self._draw, self._asked).pairs()
                pairs += self._asked(regrouped(layout, _accepted_special_rows(layout, pairs), self._draw))
        return self._judged(pairs)

    def _probes(
        self, known: Known, layout: Layout | None, program: Program | None
    ) -> Iterator[tuple[str, Sequence[Case]]]:
        yield "what was given", given_cases(known)
        if layout is None:
            return
        rows = known.rows(layout)
        pools = Pools(layout, rows)
        if program is not None:
            with self._stages.stage("find boundaries"):
                bases = [pools.row(self._draw) for _ in range(64)]
                boundaries = find_boundaries(program, bases, evaluate, self._draw, self._rows)
            extra: list[list[Any]] = [[] for _ in layout.columns]
            for boundary in boundaries:
                extra[boundary.place].append(boundary.rows[0][boundary.place] if boundary.rows else None)
            pools = Pools(layout, rows, [[value for value in values if value is not None] for values in extra])
            beside = [row for boundary in boundaries for row in boundary.rows]
            yield "rows at boundaries", boundary_cases(layout, beside, self._draw)
        with self._stages.stage("find where the original's answer jumps"):
            beside = find_jumps(layout, pools, partial(self._answers, layout), self._draw, _JUMPS)
        yield "rows at jumps", boundary_cases(layout, beside, self._draw)
        yield "random rows", random_cases(layout, pools, self._draw, self._rows)
        yield "odd requests", odd_cases(layout, pools, self._draw)

    def _answers(self, layout: Layout, rows: Sequence[Row]) -> Sequence[Any] | None:
        given = self._original.score(Case("boundary", render(layout, rows, layout.forms[0]), len(rows)))
        answers = predictions_of(given)
        return answers if given.is_answer and len(answers) == len(rows) else None

    def _asked(self, cases: Sequence[Case]) -> list[Pair]:
        return [Pair(case, self._original.score(case), self._compiled.score(case)) for case in cases]

    def _judged(self, pairs: Sequence[Pair]) -> Gated:
        compared = compare(pairs)
        rows = self._with_ties(compared.rows)
        found = differences(rows, len(pairs))
        verdict, reason = verdict_of(found), ""
        worst = worst_of(rows)
        if verdict is Verdict.REFUSED and worst is not None:
            share = f"{found.mismatches} of {found.rows} rows"
            reason = f"{share} are answered otherwise than by the original; {how(worst)}"
        elif _too_little(compared):
            verdict, reason = Verdict.REFUSED, _too_little(compared)
        self._stages.say(
            f"{verdict.value}: {found.rows} rows compared, worst {found.worst:.2e}, {found.flips} flips, {found.ties} "
            f"ties, {found.mismatches} mismatches, {sum(compared.declined.values())} rows left to the original, "
            f"{compared.refused} requests refused by both {reason}"
        )
        return Gated(
            verdict=verdict,
            reason=reason,
            differences=found,
            worst=None if worst is None else shown(worst),
            rows_digest=_digest(pairs),
            golden=golden_rows(rows) if verdict is not Verdict.REFUSED else [],
        )

    def _with_ties(self, rows: Sequence[RowResult]) -> list[RowResult]:
        """The same with label differences marked as ties where the original's own scores leave the label open."""
        asked = 0
        settled = []
        for row in rows:
            if row.labels is not None and asked < _MOST_TIES_ASKED:
                asked += 1
                scores = self._original.scores(one_row(row.pair.case.body, row.at))
                row = replace(row, tie=is_label_tie(scores, row.labels))
            settled.append(row)
        return settled


def _accepted_special_rows(layout: Layout, pairs: Sequence[Pair]) -> list[Row]:
    found: list[Row] = []
    for pair in pairs:
        if pair.case.kind == "special" and pair.case.rows and pair.original.is_answer and pair.compiled.is_answer:
            found += parse(layout, pair.case.body) or []
    return found


def _too_little(compared: Comparison) -> str:
    """Why what agreed is no proof; empty if it is one."""
    ordinary = {kind: count for kind, count in compared.declined.items() if kind != "special"}
    declined, answered = sum(ordinary.values()), sum(row.pair.case.kind != "special" for row in compared.rows)
    if declined > _MOST_DECLINED_SHARE * (declined + answered):
        reason = max(compared.reasons, key=lambda words: compared.reasons[words])
        share = f"{declined} of {declined + answered} ordinary rows"
        return f"it would leave {share} to the original, mostly because of: {reason}"
    if len(compared.rows) < _FEWEST_ROWS:
        return f"only {len(compared.rows)} rows could be compared: the original refuses the others"
    return ""


def _digest(pairs: Sequence[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        for part in (pair.case.content_type.encode(), pair.case.body):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
