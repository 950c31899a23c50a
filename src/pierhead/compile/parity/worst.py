"""The row that speaks most clearly for or against an artifact."""

import json
from collections.abc import Sequence

from pierhead.compile.domain.certificate import WorstRow
from pierhead.compile.parity.cases import one_row
from pierhead.compile.parity.comparison import Given, RowResult, predictions_of

_LONGEST = 4000
_LONGEST_IN_REASON = 300


def worst_of(rows: Sequence[RowResult]) -> RowResult | None:
    """A wrong row if there is one, an ordinary one rather than an odd one; else that with the largest difference."""
    wrong = [row for row in rows if row.is_wrong]
    if wrong:
        return max(wrong, key=lambda row: (row.pair.case.kind != "special", row.difference))
    found = max(rows, key=lambda row: row.size, default=None)
    return None if found is None or found.size == 0.0 else found


def shown(row: RowResult, longest: int = _LONGEST) -> WorstRow:
    pair = row.pair
    return WorstRow(
        kind=pair.case.kind,
        request=_cut(one_row(pair.case.body, row.at).decode("utf-8", "replace"), longest),
        original=_cut(_answer(pair.original, row.at), longest),
        compiled=_cut(_answer(pair.compiled, row.at), longest),
    )


def how(row: RowResult) -> str:
    """A clause with request and answers, shortened."""
    short = shown(row, _LONGEST_IN_REASON)
    return f"to {short.request} ({short.kind}) the original answers {short.original}, the artifact {short.compiled}"


def _answer(given: Given, at: int) -> str:
    """The answer to row number `at`; the whole of a refusal."""
    if given.declined:
        return f"declined: {given.text}"
    rows = predictions_of(given)
    return json.dumps(rows[at]) if at < len(rows) and len(rows) > 1 else given.text


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2]} …"
