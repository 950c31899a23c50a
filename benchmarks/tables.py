"""Rows of cells as text."""

from collections.abc import Sequence

Cells = Sequence[str]


def in_columns(header: Cells, rows: Sequence[Cells]) -> list[str]:
    """Lines with columns of equal width, for a terminal.

    >>> in_columns(("a", "b"), [("1", "200")])
    ['a    b', '1  200']
    """
    table = [header, *rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(header))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in table]


def in_markdown(header: Cells, rows: Sequence[Cells], *, left: int = 0) -> list[str]:
    """Lines of a Markdown table; all columns but the first `left` are aligned to the right."""
    marks = "".join("---|" if column < left else "---:|" for column in range(len(header)))
    return [f"| {' | '.join(header)} |", f"|{marks}", *(f"| {' | '.join(cells)} |" for cells in rows)]
