"""Which tier and which engine: told by the clock."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from pierhead.compile.domain.certificate import Tier, Timing
from pierhead.compile.job.original import Original
from pierhead.compile.job.side import CommandRefused, Side, SideFailed
from pierhead.compile.job.stages import Stages
from pierhead.compile.parity.cases import Case, Layout, Row, render
from pierhead.compile.parity.ordinary import Pools
from pierhead.compile.parity.probes import Known

_SIZES = ((1, 11), (100, 5), (10_000, 3))
_LONGEST_CALL_S = 5.0
_CLEARLY_FASTER = 0.9
"""A change of engine must be worth it: less than this share of the other's time."""

_NATIVE_PROBES = 8


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds; None where that engine is not to be had."""

    rows: int
    pyfunc_us: float
    native_us: float | None
    compiled_us: float | None

    @property
    def timing(self) -> Timing:
        compiled_us = None if self.compiled_us is None else round(self.compiled_us, 1)
        return Timing(self.rows, round(self.pyfunc_us, 1), compiled_us)


@dataclass(frozen=True, slots=True)
class Choice:
    tier: Tier
    engine_row: str
    engine_batch: str
    why: str
    """Why a proved artifact does not serve after all; empty otherwise."""


def measure(
    original: Original, compiled: Side | None, layout: Layout | None, known: Known, stages: Stages, seed: int
) -> list[Measured]:
    """Median times for 1, 100 and 10,000 rows, as far as there are rows and patience."""
    bodies = _bodies(layout, known, seed)
    found: list[Measured] = []
    for rows, body in bodies:
        # One row tells nothing about many: most of its time is spent around the model.
        if found and found[-1].rows > 1 and found[-1].pyfunc_us * rows / found[-1].rows > _LONGEST_CALL_S * 1e6:
            stages.say(f"{rows} rows are not timed: they would take too long")
            break
        try:
            with stages.stage(f"time {rows} rows"):
                found.append(_measured(original, compiled, rows, body))
        except (CommandRefused, SideFailed) as error:
            stages.say(f"{rows} rows could not be timed: {error}")
            break
    return found


def _bodies(layout: Layout | None, known: Known, seed: int) -> list[tuple[int, bytes]]:
    if layout is None:
        return [] if known.example is None else [(1, known.example)]
    draw, given = random.Random(seed), known.rows(layout)
    pools = Pools(layout, given)
    rows: list[Row] = given[:100] or [pools.row(draw) for _ in range(100)]
    return [(size, render(layout, [rows[at % len(rows)] for at in range(size)], layout.forms[0])) for size, _ in _SIZES]


def _measured(original: Original, compiled: Side | None, rows: int, body: bytes) -> Measured:
    repeat = dict(_SIZES).get(rows, 5)
    theirs = original.time(body, repeat)
    ours = None
    if compiled is not None:
        ours = float(compiled.command("time", body=body.decode(), repeat=repeat)["compiled_us"])
    return Measured(rows, theirs["pyfunc_us"], theirs.get("native_us"), ours)


def native_equals_pyfunc(original: Original, cases: Sequence[Case]) -> bool:
    """Whether the library's own object answers as `mlflow.pyfunc` does, to the letter. Raises SideFailed."""
    compared = 0
    for case in cases[:_NATIVE_PROBES]:
        expected = original.score(case)
        if expected.is_answer:
            compared += 1
            if json.loads(original.score_natively(case).body) != json.loads(expected.body):
                return False
    return compared > 0


def choose(measured: Sequence[Measured], *, is_proved: bool, is_native: bool) -> Choice:
    """`is_native`: the library's own object was found to answer as pyfunc does."""
    original_row = _original_engine(measured[0] if measured else None, is_native=is_native)
    original_batch = _original_engine(measured[-1] if measured else None, is_native=is_native)
    original_tier = Tier.NATIVE if original_row == "native" else Tier.PYFUNC
    if not is_proved:
        return Choice(original_tier, original_row, original_batch, "")
    batch = "onnxruntime"
    if measured and not _is_compiled_faster(measured[-1]):
        batch = original_batch
    if measured and not _is_compiled_faster(measured[0]):
        why = "proved, but the original is faster on single rows"
        return Choice(original_tier, original_row, batch, why)
    return Choice(Tier.COMPILED, "onnxruntime", batch, "")


def _original_engine(measured: Measured | None, *, is_native: bool) -> str:
    if not is_native or measured is None or measured.native_us is None:
        return "pyfunc"
    return "native" if measured.native_us < _CLEARLY_FASTER * measured.pyfunc_us else "pyfunc"


def _is_compiled_faster(measured: Measured) -> bool:
    best = min(measured.pyfunc_us, measured.native_us or measured.pyfunc_us)
    return measured.compiled_us is not None and measured.compiled_us < best
