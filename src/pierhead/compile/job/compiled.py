"""An artifact executed in a child of the job."""

import sys
from pathlib import Path

from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.side import Side

_MODULE = "pierhead.compile.job.answering"


def start_compiled(sandbox: Sandbox, artifact: Path, *, shares_runs: bool) -> Side:
    """`shares_runs`: rows do not depend on each other, so that many may be run in pieces.

    Raises SideFailed or CommandRefused if the artifact cannot be executed.
    """
    confined = sandbox.start("compiled", Path(sys.executable), _MODULE)
    side = Side("the artifact", sandbox, confined)
    try:
        side.command("load", artifact=str(artifact.absolute()), shares_runs=shares_runs)
    except Exception:
        side.stop()
        raise
    return side
