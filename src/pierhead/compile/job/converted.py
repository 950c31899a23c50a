"""An artifact by way of the stock converters, which work in a child of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from pierhead.compile.domain import artifact as artifacts
from pierhead.compile.domain.artifact import AnswerSpec, ArtifactSpec, ColumnSpec, Feed
from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.side import Side

_MODULE = "pierhead.compile.job.converting"


class _Proposal(msgspec.Struct):
    made_by: str
    columns: list[ColumnSpec]
    feeds: list[Feed]
    answers: list[AnswerSpec]
    declines: str | None


def convert(
    sandbox: Sandbox, python: Path, model: Path, inputs: Sequence[dict[str, Any]] | None, folder: Path, source: str
) -> str:
    """Make the artifact in `folder`; how it was made. Raises NotCompilable, CommandRefused or SideFailed."""
    side = Side("the converters", sandbox, sandbox.start("converters", python, _MODULE))
    try:
        said = side.command("convert", model=str(model.absolute()), inputs=inputs, folder=str(folder.absolute()))
    finally:
        side.stop()
    try:
        proposal = msgspec.convert(said, _Proposal)
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
    return proposal.made_by
