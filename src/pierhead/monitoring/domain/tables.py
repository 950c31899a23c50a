"""Inference tables as one can see them from outside."""

from dataclasses import dataclass
from pathlib import Path

from pierhead.kit.names import FullName


@dataclass(frozen=True, slots=True)
class InferenceTable:
    """An inference table and what is on its way into it; no version and no rows before the first commit.

    `dropped` records were lost by gateways that run, since they started; `quarantined` ones lie beside the spool
    because they can be no rows. `problem` says why the table cannot be read, if so.
    """

    full_name: FullName
    location: Path
    version: int | None
    rows: int | None
    backlog_bytes: int
    problem: str | None = None
    dropped: int = 0
    quarantined: int = 0
