"""An artifact in memory, ready to run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pierhead.compile.domain import artifact as stored
from pierhead.compile.domain.artifact import ArtifactSpec
from pierhead.compile.runtime.cells import CELL_TYPES
from pierhead.compile.runtime.tables import Feeds, Table

# They answer binary random forests with negative probabilities, without an error.
_WRONG_RUNTIMES = {(1, 26), (1, 27)}

_DTYPES = {"float64", "float32", "int64", "bool", "string"}

Outputs = Mapping[str, NDArray[Any]]


class UnusableArtifact(Exception):
    """The folder holds no artifact that this runtime can execute; the message says why."""


class Artifact:
    """A network and how its inputs and outputs are meant. Used by one thread at a time."""

    def __init__(self, spec: ArtifactSpec, session: Any) -> None:
        self.spec = spec
        self._session = session
        self._feeds = Feeds(spec)
        wanted = [answer.output for answer in spec.answers]
        if spec.declines is not None:
            wanted.append(spec.declines)
        self._wanted = list(dict.fromkeys(wanted))

    @classmethod
    def load(cls, folder: Path) -> "Artifact":
        """Read `artifact.json` and `model.onnx`. Raises UnusableArtifact."""
        try:
            spec = stored.decode((folder / "artifact.json").read_bytes())
        except (OSError, msgspec.MsgspecError) as error:
            raise UnusableArtifact(f"artifact.json cannot be read: {error}") from error
        _check(spec)
        try:
            session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise UnusableArtifact(f"onnxruntime {onnxruntime.__version__} cannot load it: {error}") from error
        _check_names(spec, session)
        return cls(spec, session)

    def run(self, table: Table) -> Outputs:
        """Every output that the answers need, by name, one entry a row. Raises what onnxruntime raises."""
        results = self._session.run(self._wanted, self._feeds.arrays(table))
        return dict(zip(self._wanted, results, strict=True))

    def declined(self, outputs: Outputs) -> NDArray[np.bool_] | None:
        """Which rows only the original can answer; None if none of them."""
        if self.spec.declines is None:
            return None
        # A NaN is not 0 either.
        rows = np.asarray(outputs[self.spec.declines]).reshape(-1) != 0
        return rows if rows.any() else None


def session_options() -> Any:
    """One thread, nothing that spins, no arena: small batches gain nothing from it, and it never gives memory back."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _check(spec: ArtifactSpec) -> None:
    if spec.format != stored.FORMAT:
        raise UnusableArtifact(f"the artifact has format {spec.format}; this runtime knows {stored.FORMAT}")
    here = _version(onnxruntime.__version__)
    if here < _version(spec.minimum_runtime):
        raise UnusableArtifact(
            f"the artifact needs onnxruntime {spec.minimum_runtime} or newer, not {onnxruntime.__version__}"
        )
    if here in _WRONG_RUNTIMES:
        raise UnusableArtifact(f"onnxruntime {onnxruntime.__version__} gives wrong answers; use 1.28 or newer")
    strange = sorted({column.kind for column in spec.columns} - set(CELL_TYPES))
    if strange:
        raise UnusableArtifact(f"columns of type {', '.join(strange)} cannot be decoded")
    if not spec.answers:
        raise UnusableArtifact("the artifact names no answer")
    strange = sorted({feed.dtype for feed in spec.feeds} - _DTYPES)
    if strange:
        raise UnusableArtifact(f"inputs of type {', '.join(strange)} cannot be made")


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def _check_names(spec: ArtifactSpec, session: Any) -> None:
    has = {output.name for output in session.get_outputs()}
    needs = {answer.output for answer in spec.answers} | ({spec.declines} if spec.declines else set())
    if needs - has:
        raise UnusableArtifact(f"model.onnx has no output {', '.join(sorted(needs - has))}")
    takes = {given.name for given in session.get_inputs()}
    feeds = {feed.input for feed in spec.feeds}
    if takes != feeds:
        raise UnusableArtifact(f"model.onnx takes {sorted(takes)}, the artifact feeds {sorted(feeds)}")
