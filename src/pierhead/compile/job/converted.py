"""An artifact by way of the stock converters, which work in a child of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pierhead.compile.domain import artifact as artifacts
from pierhead.compile.domain.artifact import AnswerSpec, ArtifactSpec, ColumnSpec, Feed
from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.side import Side
from pierhead.kit.decoding import Converter

_MODULE = "pierhead.compile.job.converting"


PRECISIONS = ("float64", "float32")
"""Of the converters' networks, in the order in which they are tried."""


class _Proposal(msgspec.Struct):
    dtype: str
    made_by: str
    columns: list[ColumnSpec]
    feeds: list[Feed]
    answers: list[AnswerSpec]
    declines: str | None


_PROPOSAL = Converter(_Proposal)


@dataclass(frozen=True, slots=True)
class Converted:
    made_by: str
    dtype: str
    """One of PRECISIONS."""


def convert(
    side: Side, model: Path, inputs: Sequence[dict[str, Any]] | None, folder: Path, source: str, dtypes: Sequence[str]
) -> Converted:
    """Make the artifact in `folder`, in the first of these precisions that can be executed.

    `side` holds the converters. Raises NotCompilable, CommandRefused or SideFailed.
    """
    said = side.command(
        "convert", model=str(model.absolute()), inputs=inputs, folder=str(folder.absolute()), dtypes=list(dtypes)
    )
    try:
        proposal = _PROPOSAL.convert(said)
    except msgspec.ValidationError as error:
        raise NotCompilable(f"what the converters say cannot be understood: {error}") from error
    spec = ArtifactSpec(
        format=artifacts.FORMAT,
        source=source,
        made_by=proposal.made_by,
        columns=proposal.columns,
        feeds=proposal.feeds,
        answers=proposal.answers,
        declines=proposal.declines,
    )
    (folder / "artifact.json").write_bytes(artifacts.encode(spec))
    return Converted(proposal.made_by, proposal.dtype)


def start_converters(sandbox: Sandbox, python: Path) -> Side:
    """Raises OSError."""
    return Side("the converters", sandbox, sandbox.start("converters", python, _MODULE))
