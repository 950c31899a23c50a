"""Asks the original for the same rows alone and in company."""

import random
from collections.abc import Sequence

from pierhead.compile.job.original import Original
from pierhead.compile.job.side import SideFailed
from pierhead.compile.job.stages import Stages
from pierhead.compile.parity.cases import Case, Layout, Row
from pierhead.compile.parity.comparison import Given
from pierhead.compile.parity.independence import batches, dependence, single_bodies
from pierhead.compile.parity.ordinary import Pools
from pierhead.compile.parity.probes import Known
from pierhead.compile.parity.values import special_values

_ORDINARY = 32
_ASKED_AGAIN = 8
_UNUSUAL = 8


def row_dependence(original: Original, known: Known, layout: Layout | None, stages: Stages, seed: int) -> str:
    """Why rows of different requests must not share a batch; empty if they may."""
    if known.example is None and not known.logged:
        return "could not be told: the version has neither an input example nor a signature"
    if layout is None:
        return "could not be told: its requests are not made of rows of plain values"
    draw = random.Random(seed)
    pools = Pools(layout, known.rows(layout))
    given = known.rows(layout)[: _ORDINARY // 2]
    rows = [*given, *(pools.row(draw) for _ in range(_ORDINARY - len(given)))]
    unusual = _unusual(layout, pools, draw)
    try:
        with stages.stage(f"ask the original for {len(rows) + len(unusual)} rows alone and in company"):
            return _asked(original, layout, [*rows, *unusual], range(len(rows)), draw)
    except SideFailed as error:
        return f"could not be told: {error}"


def _unusual(layout: Layout, pools: Pools, draw: random.Random) -> list[Row]:
    """Rows with one missing or unknown value each."""
    rows = []
    for _ in range(_UNUSUAL):
        row, place = pools.row(draw), draw.randrange(len(layout.columns))
        value = draw.choice([None, *special_values(layout.columns[place])[:4]])
        rows.append((*row[:place], value, *row[place + 1 :]))
    return rows


def _asked(
    original: Original, layout: Layout, rows: Sequence[Row], ordinary: Sequence[int], draw: random.Random
) -> str:
    def score(body: bytes) -> Given:
        return original.score(Case("random", body, 0))

    bodies = single_bodies(layout, rows)
    alone = [score(body) for body in bodies]
    answered = [at for at, given in enumerate(alone) if given.is_answer]
    kept = {at: number for number, at in enumerate(answered)}
    companies = batches(layout, [rows[at] for at in answered], [kept[at] for at in ordinary if at in kept], draw)
    together = [(batch, score(batch.body)) for batch in companies]
    # Backwards, so that nothing stands behind what it stood behind before.
    later = [(at, score(bodies[at])) for at in reversed(answered[-_ASKED_AGAIN:])]
    if len(answered) < len(alone) // 4:
        return dependence(bodies, alone, later, [])
    again = [(kept[at], given) for at, given in later]
    return dependence([bodies[at] for at in answered], [alone[at] for at in answered], again, together)
