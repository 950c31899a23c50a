"""Rows that go with an artifact, with the original's answers, for whoever runs it elsewhere to repeat."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pierhead.compile.parity.cases import JSON, one_row
from pierhead.compile.parity.comparison import RowResult, predictions_of

FILE = "golden.json"
_MOST = 200
_MOST_BYTES = 4 * 1024 * 1024


def golden_rows(rows: Sequence[RowResult]) -> list[dict[str, object]]:
    """At most 200 rows as `{"request": body of one row, "predictions": [answer]}`, spread over kinds and requests.

    Only rows in which both sides agree beyond doubt: a tie may go the other way elsewhere, rightly.
    """
    sound = [row for row in rows if not row.is_wrong and not row.tie and row.pair.case.content_type == JSON]
    kinds = dict.fromkeys(row.pair.case.kind for row in sound)
    by_kind = [[row for row in sound if row.pair.case.kind == kind] for kind in kinds]
    chosen = [row for kept in by_kind for row in _spread(kept, _MOST // len(by_kind))]
    found: dict[bytes, dict[str, object]] = {}
    size = 0
    # Where a kind has few, others fill up.
    for row in (*chosen, *_spread(sound, _MOST)):
        body = one_row(row.pair.case.body, row.at)
        size += len(body)
        if len(found) == _MOST or size > _MOST_BYTES:
            break
        found[body] = {"request": body.decode(), "predictions": [predictions_of(row.pair.original)[row.at]]}
    return list(found.values())


def _spread(rows: Sequence[RowResult], most: int) -> list[RowResult]:
    """Every n-th of them."""
    if len(rows) <= most:
        return list(rows)
    return [rows[at * len(rows) // most] for at in range(most)]


def write_golden(folder: Path, rows: Sequence[Mapping[str, object]]) -> None:
    (folder / FILE).write_text(json.dumps(rows))
