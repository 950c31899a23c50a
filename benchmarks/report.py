"""Readings as text."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.processes import Memory
from benchmarks.readings import Reading, Row, middle, typical_ratio
from benchmarks.tables import in_columns, in_markdown

HEADER = (
    "connections",
    "pierhead req/s",
    "mlflow req/s",
    "ratio",
    "of rounds",
    "pierhead p50 ms",
    "mlflow p50 ms",
    "pierhead p99 ms",
    "mlflow p99 ms",
    "failures",
)


@dataclass(frozen=True, slots=True)
class Report:
    """`surroundings` are lines on machine and versions. Memory is that of the processes on the request path."""

    surroundings: tuple[str, ...]
    rows: tuple[Row, ...]
    ours: Memory
    theirs: Memory


def cells(row: Row) -> tuple[str, ...]:
    """The median run of each server, the median ratio of the rounds and its range."""
    ours, theirs = middle(row.ours), middle(row.theirs)
    ratios = row.ratios or [float("nan")]
    failures = sum(reading.failures for reading in (*row.ours, *row.theirs))
    return (
        str(row.connections),
        f"{ours.rate:,.0f}",
        f"{theirs.rate:,.0f}",
        f"{typical_ratio(row):.1f}x",
        f"{min(ratios):.1f}-{max(ratios):.1f}x",
        f"{ours.p50_ms:.2f}",
        f"{theirs.p50_ms:.2f}",
        f"{ours.p99_ms:.2f}",
        f"{theirs.p99_ms:.2f}",
        str(failures),
    )


def as_text(report: Report) -> str:
    """Columns of equal width, for a terminal."""
    lines = in_columns(HEADER, [cells(row) for row in report.rows])
    return "\n".join([*report.surroundings, "", *lines, "", *_notes(report)])


def as_markdown(report: Report) -> str:
    lines = [f"- {line}" for line in report.surroundings]
    lines += ["", *in_markdown(HEADER, [cells(row) for row in report.rows])]
    return "\n".join([*lines, "", *(f"- {line}" for line in _notes(report))]) + "\n"


def _notes(report: Report) -> list[str]:
    ours, theirs = report.ours, report.theirs
    notes = [
        f"memory (PSS): pierhead gateway and worker {ours.pss_mb:,.0f} MB, "
        f"`mlflow models serve` {theirs.pss_mb:,.0f} MB, {theirs.pss_mb / ours.pss_mb:.1f} times ours; "
        f"RSS {ours.rss_mb:,.0f} and {theirs.rss_mb:,.0f} MB",
        "rates and latencies are those of the median round; ratios compare neighbouring runs of the same round",
    ]
    busiest = max(_all_readings(report.rows), key=lambda reading: reading.generator_load)
    if busiest.generator_load > 0.8:
        notes.append(
            f"the load generator used {busiest.generator_load:.0%} of a core at {busiest.connections} connections: "
            "the server may be faster than shown"
        )
    return notes


def _all_readings(rows: Sequence[Row]) -> list[Reading]:
    return [reading for row in rows for reading in (*row.ours, *row.theirs)]
