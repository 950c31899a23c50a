"""One subject: fitted, saved, compiled by the platform's job, then asked about fresh rows on both sides."""

import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.parity.comparing import Asked, Comparison, Tally
from benchmarks.parity.edges import edge_rows
from benchmarks.parity.proving import Workplace, prove
from benchmarks.parity.requests import requests
from benchmarks.parity.saving import save
from benchmarks.parity.sides import Original, serving_side
from benchmarks.parity.subjects import Subject
from benchmarks.parity.tables import unusual
from benchmarks.parity.ties import Ties
from pierhead.compile.domain.certificate import Certificate

_LARGE = (1000,)
_MIXED = (1, 3, 16, 1, 40, 2)
_TOGETHER = 64
"""Requests that are put to the serving side in one call, as a turn of its event loop does."""

_MIXED_ROWS = 600
_UNUSUAL_ROWS = 80
_PAIRS = 250


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report. `error` is why there is no more to say."""

    family: str
    name: str
    table: str
    is_real: bool
    trap: str
    want: str
    tier: str = ""
    verdict: str = ""
    made_by: str = ""
    reason: str = ""
    dependence: str = ""
    rows: int = 0
    right: int = 0
    wrong: int = 0
    ties: int = 0
    declined: int = 0
    refused: int = 0
    worst: float = 0.0
    seconds: float = 0.0
    error: str = ""
    examples: Sequence[dict[str, str]] = ()
    declines: Sequence[tuple[str, int]] = ()

    @property
    def is_bad(self) -> bool:
        return bool(self.wrong or self.error)


def run(subject: Subject, place: Workplace, rows: int) -> Result:
    """Never raises for what a subject does."""
    with warnings.catch_warnings():
        # Of missing values in whole numbers, of strange numbers, of names: libraries warn, and answer.
        warnings.simplefilter("ignore")
        return _run(subject, place, rows)


def _run(subject: Subject, place: Workplace, rows: int) -> Result:
    began_s = time.monotonic()
    recipe, table = subject.recipe, subject.table
    empty = Result(recipe.family, recipe.name, table.name, table.is_real, recipe.trap, recipe.want)
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    try:
        model = save(subject, place.folder / "model")
        built = prove(place.folder / "model", place)
        tally = score(subject, model, built.certificate, built.artifact, rows, place.seed)
    except Exception as error:
        return replace(empty, error=f"{type(error).__name__}: {error}"[:600], seconds=time.monotonic() - began_s)
    finally:
        shutil.rmtree(place.folder / "model", ignore_errors=True)
    return replace(told(empty, built.certificate, tally), seconds=round(time.monotonic() - began_s, 1))


def told(empty: Result, certificate: Certificate, tally: Tally) -> Result:
    counts = {key: value for key, value in asdict(tally).items() if key not in ("examples", "reasons")}
    return replace(
        empty,
        tier=certificate.tier.value,
        verdict=certificate.verdict.value,
        made_by=certificate.made_by,
        reason=certificate.reason,
        dependence=certificate.row_dependence,
        rows=tally.rows,
        examples=tally.examples,
        declines=tally.reasons.most_common(5),
        **counts,
    )


def score(subject: Subject, model: Any, certificate: Certificate, artifact: Path | None, rows: int, seed: int) -> Tally:
    """Ask both sides about fresh rows: large requests, small ones of all sizes and formats, edges, strange values."""
    comparison = Comparison(Ties(model).is_tie)
    original, served = Original(model), serving_side(certificate, artifact, model)
    for asked in _asked(subject, model, rows, np.random.default_rng([seed, 77])):
        for at in range(0, len(asked), _TOGETHER):
            part = asked[at : at + _TOGETHER]
            bodies = [request for request, _ in part]
            comparison.add(part, original.ask(bodies), served.ask(bodies))
    return comparison.tally


def _asked(subject: Subject, model: Any, rows: int, draw: np.random.Generator) -> Iterator[list[Asked]]:
    table = subject.table
    few = min(_MIXED_ROWS, rows // 4)
    yield list(requests(table, table.fresh(draw, few), _MIXED))
    beside = edge_rows(model, table, draw, min(_PAIRS, rows // 6))
    yield list(requests(table, beside, _LARGE))
    yield list(requests(table, unusual(table, draw, min(_UNUSUAL_ROWS, rows // 4)), (1, 1, 2)))
    left = max(rows - few - len(beside), 0)
    frame: pd.DataFrame = table.fresh(draw, left)
    yield list(requests(table, frame, _LARGE))
