"""Whether a row's answer is the same in whatever company: only then may requests share a batch."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pierhead.compile.parity.cases import SPLIT, Case, Layout, Row, render
from pierhead.compile.parity.comparison import EXACT, Given, Pair, compare, predictions_of

COMPANY = 64
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows asked for together: `members` are places among the single rows."""

    members: tuple[int, ...]
    body: bytes
    may_be_refused: bool


def single_bodies(layout: Layout, rows: Sequence[Row]) -> list[bytes]:
    return [render(layout, [row], _form(layout)) for row in rows]


def batches(layout: Layout, rows: Sequence[Row], ordinary: Sequence[int], draw: random.Random) -> list[Batch]:
    """Companies for the rows: all ordinary ones, shuffled ones in full companies, halves of them, everything mixed.

    In a full company rows meet their equals where there are too few of them.
    """
    order = list(ordinary)
    shuffled = draw.sample(order, len(order))
    full = [member for _ in range(-(-COMPANY // max(len(order), 1))) for member in draw.sample(order, len(order))]
    everything = draw.sample(range(len(rows)), len(rows))
    half = len(shuffled) // 2
    companies = [(order, False), (full[:COMPANY], False), (shuffled[:half], False), (shuffled[half:], False)]
    if len(everything) > len(order):
        # Rows with missing values can change a column's type, and then be refused: such company is parted again.
        companies.append((everything, True))
    return [
        Batch(tuple(members), render(layout, [rows[at] for at in members], _form(layout)), may_be_refused)
        for members, may_be_refused in companies
        if members
    ]


def _form(layout: Layout) -> str:
    return SPLIT if SPLIT in layout.forms else layout.forms[0]


def dependence(
    bodies: Sequence[bytes],
    alone: Sequence[Given],
    again: Sequence[tuple[int, Given]],
    together: Sequence[tuple[Batch, Given]],
) -> str:
    """Why a row's answer depends on its company or on time; empty if it does not.

    `alone` answers `bodies`; `again` are later answers to some of them; `together` those to batches.
    """
    answered = sum(given.is_answer for given in alone)
    if answered < _FEWEST:
        refusal = next((given.text for given in alone if not given.is_answer), "")
        told = f"only {answered} of {len(alone)} rows were answered one by one"
        return f"could not be told: {told} {refusal[:300]}".strip()
    rows: list[Any] = []
    for given in alone:
        found = predictions_of(given)
        if given.is_answer and len(found) != 1:
            return "the answer to one row is not one row"
        rows.append(found[0] if given.is_answer else None)
    repeated = [(bodies[at], alone[at], given) for at, given in again]
    if _worst(repeated) > EXACT:
        return "the same row was answered differently when it was asked again"
    for batch, given in together:
        reason = _of_batch(batch, given, rows)
        if reason:
            return reason
    return ""


def _of_batch(batch: Batch, given: Given, rows: Sequence[Any]) -> str:
    if not given.is_answer:
        refused = f"{len(batch.members)} rows that are answered one by one are refused together"
        return "" if batch.may_be_refused else refused
    found = predictions_of(given)
    if len(found) != len(batch.members):
        return f"the answer to {len(batch.members)} rows has {len(found)}"
    expected = [rows[member] for member in batch.members]
    worst = _worst([(batch.body, _given(expected), _given(found))])
    if worst <= EXACT:
        return ""
    return f"answers to rows in a batch of {len(batch.members)} differ from those one by one, by {worst:.1e} relative"


def _given(rows: Sequence[Any]) -> Given:
    return Given(200, json.dumps({"predictions": list(rows)}).encode())


def _worst(asked: Sequence[tuple[bytes, Given, Given]]) -> float:
    pairs = [Pair(Case("random", body, 0), before, after) for body, before, after in asked]
    return max((row.difference for row in compare(pairs).rows), default=0.0)
