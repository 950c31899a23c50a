"""Profiling predictions against a baseline: a refresh of a monitor, beside plain DuckDB and scipy.

    python -m benchmarks.monitors [--rows 200000] [--features 30] [--hours 24] [--baseline 100000] [--only pierhead]

With `--rows 10000000` it needs 3 GB of disk for the tables; the first contender's memory hardly grows with the rows.

Writes a Delta table of predictions over some hours (30 features, a prediction, a score, a label) and a baseline table,
then runs each contender in a process of its own and prints its seconds, rows per second and peak memory.

- pierhead: the first refresh of an InferenceLog monitor by the hour. Profiles of every column, drift against the
  baseline and against the hour before with verdicts, quality, an estimate; both Delta tables written.
- plain: what one would write by hand, and less of it. For each hour and feature count, mean, deviation, least, largest
  and median in DuckDB, PSI on the baseline's deciles from DuckDB, KS and Wasserstein against the baseline by scipy on
  the column's values, read once for all hours;
  no verdicts, no hour before, no quality, nothing written.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

START = datetime(2026, 3, 2, tzinfo=UTC)
_CHUNK = 500_000
_CONTENDERS = ("pierhead", "plain")


def main() -> None:
    options = _options()
    if options.contender is not None:
        _measure(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_tables(root, options)
        print(
            f"{options.rows:,} rows x {options.features} features, {options.hours} hours, baseline {options.baseline:,}"
        )
        for contender in _CONTENDERS if options.only is None else (options.only,):
            _run(root, options, contender)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--baseline", type=int, default=100_000)
    parser.add_argument("--only", choices=_CONTENDERS)
    parser.add_argument("--contender", choices=_CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(root: Path, options: argparse.Namespace, contender: str) -> None:
    numbers = [f"--{name}={getattr(options, name)}" for name in ("rows", "features", "hours", "baseline")]
    command = [sys.executable, "-m", "benchmarks.monitors", f"--contender={contender}", f"--root={root}", *numbers]
    subprocess.run(command, check=True)


def _measure(options: argparse.Namespace) -> None:
    began_s, used_s = time.monotonic(), time.process_time()
    work = _refresh if options.contender == "pierhead" else _by_hand
    said = work(options.root, options)
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - used_s
    peak_mb = _peak_mb()
    print(
        f"{options.contender:>9}: {took_s:8.1f} s  {cpu_s:8.1f} s of CPU  {options.rows / took_s:12,.0f} rows/s  "
        f"peak {peak_mb:,.0f} MB  {said}",
        flush=True,
    )


def _peak_mb() -> float:
    """Of this program alone: what `getrusage` says includes the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _refresh(root: Path, options: argparse.Namespace) -> str:
    from pierhead.kit.db import Database, sqlite_url
    from pierhead.kit.names import FullName
    from pierhead.kit.schema import migrate
    from pierhead.monitoring.domain.monitors import InferenceLogProfile, MonitorDraft, ProblemType, RefreshState
    from pierhead.monitoring.domain.windows import Granularity
    from pierhead.monitoring.ports import TrainedOn
    from pierhead.monitoring.services.monitor_definitions import Definitions
    from pierhead.monitoring.services.monitors import Monitors
    from pierhead.monitoring.services.refresh_loop import RefreshLoop, RefreshSurroundings
    from pierhead.monitoring.services.refresh_sources import Sources

    class Tables:
        def find_location(self, name: FullName) -> Path:
            return root / name.catalog / name.schema / name.name

        def find(self, _model_name: str, _model_version: str) -> list[TrainedOn]:
            return []

    class Clock:
        def now(self) -> datetime:
            return START + timedelta(hours=options.hours)

    database = Database(sqlite_url(root / "benchmark.db"))
    migrate(database)
    log = InferenceLogProfile(
        ProblemType.CLASSIFICATION, "ts", (Granularity.HOUR,), "prediction", "model", "label", "score"
    )
    draft = MonitorDraft("main.bench.log", "main.bench", log, baseline_table="main.bench.training")
    checked = Definitions(Tables(), Clock()).check(draft)
    with database.transaction() as connection:
        Monitors(connection, Clock()).create(checked, by="benchmark")
    around = RefreshSurroundings(Sources(Tables(), Tables()), root, lambda _path: ())
    RefreshLoop(database, Clock(), around).tick()
    with database.reading() as connection:
        (refresh,) = Monitors(connection, Clock()).list_refreshes("main.bench.log")
    assert refresh.state is RefreshState.SUCCESS, refresh.message
    drift = DeltaTable(root / "main" / "bench" / "log_drift_metrics").to_pyarrow_table(columns=["drifted"])
    return f"{drift.num_rows} drift rows, {sum(drift['drifted'].to_pylist())} of them drifted"


def _by_hand(root: Path, options: argparse.Namespace) -> str:
    import duckdb
    from scipy import stats

    names = _features(options)
    found = 0
    with duckdb.connect() as database:
        database.execute("SET memory_limit = '512MB'; SET threads = 2; SET TimeZone = 'UTC'")
        database.register("log", DeltaTable(root / "main" / "bench" / "log").to_pyarrow_dataset())
        database.register("training", DeltaTable(root / "main" / "bench" / "training").to_pyarrow_dataset())
        for name in names:
            reference = database.sql(f"SELECT {name} AS x FROM training WHERE {name} IS NOT NULL").fetchnumpy()["x"]
            edges = np.quantile(reference, np.arange(1, 10) / 10, method="inverted_cdf")
            counts = ", ".join(f"count(*) FILTER ({name} <= {edge!r})" for edge in edges.tolist())
            query = f"""SELECT date_trunc('hour', ts::TIMESTAMP) AS hour, count({name}) AS n, avg({name}),
                stddev({name}), min({name}), max({name}), median({name}), [{counts}] AS below FROM log GROUP BY hour"""
            summaries = database.sql(query).fetchall()
            values = _by_hour(
                database.sql(
                    f"SELECT epoch_us(ts) // 3600000000 AS hour, {name} AS x FROM log WHERE {name} IS NOT NULL"
                ).fetchnumpy()
            )
            sizes = np.searchsorted(np.sort(reference), edges, side="right")
            for hour, n, *_, below in summaries:
                p, q = (_shares(np.asarray(each), size) for each, size in ((sizes, reference.size), (below, n)))
                psi = float(np.sum((p - q) * np.log(p / q)))
                current = values[int(hour.replace(tzinfo=UTC).timestamp()) // 3600]
                test = stats.ks_2samp(reference, current, method="asymp")
                distance = stats.wasserstein_distance(reference, current)
                found += bool(psi >= 0 and test.pvalue >= 0 and distance >= 0)
    return f"{found} comparisons"


def _by_hour(column: dict[str, np.ndarray]) -> dict[int, np.ndarray]:
    """The values `x` of each `hour`."""
    order = np.argsort(column["hour"], kind="stable")
    hours, first = np.unique(column["hour"][order], return_index=True)
    parts = np.split(column["x"][order], first[1:])
    return dict(zip(hours.tolist(), parts, strict=True))


def _shares(below: np.ndarray, size: int) -> np.ndarray:
    return np.maximum(np.diff(np.concatenate([[0], below, [size]])) / size, 1e-4)


def _features(options: argparse.Namespace) -> list[str]:
    return [f"feature_{place}" for place in range(options.features)]


def _write_tables(root: Path, options: argparse.Namespace) -> None:
    generator = np.random.default_rng(7)
    for name, rows in (("training", options.baseline), ("log", options.rows)):
        for first in range(0, rows, _CHUNK):
            size = min(_CHUNK, rows - first)
            places = np.arange(first, first + size)
            write_deltalake(root / "main" / "bench" / name, _rows(generator, options, places, rows), mode="append")


def _rows(generator: np.random.Generator, options: argparse.Namespace, places: np.ndarray, rows: int) -> pa.Table:
    size = places.size
    step_us = options.hours * 3_600_000_000 / rows
    times = int(START.timestamp() * 1_000_000) + (places * step_us).astype(np.int64)
    columns: dict[str, object] = {"ts": pa.array(times, pa.timestamp("us", tz="UTC"))}
    for name in _features(options):
        columns[name] = pa.array(generator.normal(size=size), mask=generator.random(size) < 0.02)
    score = generator.random(size)
    columns |= {
        "model": pa.array(["main.bench.model/1"] * size),
        "prediction": (score > 0.5).astype(np.int64),
        "score": score,
        "label": (generator.random(size) < score).astype(np.int64),
    }
    return pa.table(columns)


if __name__ == "__main__":
    main()
