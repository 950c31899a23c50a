"""Whether what is served is right: every class of model, compiled by the platform's own job, beside its original.

`python -m benchmarks.parity` asks both sides about a million fresh rows that the gate has not seen: realistic ones,
rows beside the original's own jumps, strange values; in all formats, alone, in company and in large requests.
"""

import os

# One thread for every library, as workers have; before any of them is imported.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.parity.proving import Workplace, install_converters
from benchmarks.parity.records import Records
from benchmarks.parity.report import reference_page, summary, table_lines
from benchmarks.parity.running import Result, run
from benchmarks.parity.subjects import subjects
from benchmarks.surroundings import describe

OUT = Path(__file__).parents[1] / "out"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compiled-models.md"


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--rows", default=1_000_000, show_default=True, help="Fresh rows of all subjects together.")
@click.option("--each", type=int, help="Rows of each subject, instead.")
@click.option("--only", multiple=True, help="Subjects whose name contains this.")
@click.option("--seed", default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Keep results of an interrupted run with the same seed and rows.")
@click.option("--report", is_flag=True, help="Run nothing: report what an interrupted run has kept.")
@click.option("--no-converters", is_flag=True, help="Do without the stock converters.")
@click.option("--page", is_flag=True, help="Write docs/reference/compiled-models.md from the results.")
def main(  # noqa: PLR0913 - one argument an option
    rows: int,
    each: int | None,
    only: Sequence[str],
    seed: int,
    resume: bool,
    report: bool,
    no_converters: bool,
    page: bool,
) -> None:
    chosen = [subject for subject in subjects() if not only or any(part in subject.name for part in only)]
    wanted = each or -(-rows // max(len(chosen), 1))
    converters = None if no_converters or report else install_converters(OUT / "environments")
    records = Records(OUT / "parity", seed, wanted)
    surroundings = describe()
    print("\n".join(surroundings), flush=True)
    results = []
    for subject in chosen:
        result = records.find(subject.name) if resume or report else None
        if result is None and report:
            continue
        if result is None:
            result = run(subject, Workplace(OUT / "parity" / "work" / subject.name, converters, seed), wanted)
            records.keep(subject.name, result)
        results.append(result)
        print(_line(result), flush=True)
    lines = summary(results)
    print("\n".join(["", *table_lines(results, markdown=False), "", *lines]))
    records.write_all(results, surroundings)
    if page:
        PAGE.write_text(reference_page(results, surroundings))
    raise SystemExit(1 if any(result.is_bad for result in results) else 0)


def _line(result: Result) -> str:
    counts = f"{result.rows} rows, {result.wrong} wrong, {result.declined} declined, worst {result.worst:.1e}"
    how = result.error or f"{result.tier} {result.verdict} ({result.made_by}) {counts}, {result.seconds:.0f} s"
    return f"{result.name} on {result.table}: {how} {result.reason}"


if __name__ == "__main__":
    main()
