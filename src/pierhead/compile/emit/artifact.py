"""Program -> the folder that runtimes load."""

from pathlib import Path

from pierhead.compile.domain.artifact import FORMAT, AnswerSpec, ArtifactSpec, ColumnSpec, Feed, encode
from pierhead.compile.domain.program import Column, NotCompilable, Program
from pierhead.compile.emit.network import INPUT, emit
from pierhead.compile.emit.used_columns import used_columns

# The first runtime that knows TreeEnsemble in double.
_MINIMUM_RUNTIME = "1.21"

# What protobuf can hold in one message.
_LARGEST_BYTES = 2**31 - 1


def write_artifact(program: Program, folder: Path, source_digest: str, made_by: str) -> ArtifactSpec:
    """Write `model.onnx` and `artifact.json`. Raises NotCompilable, OSError."""
    network = emit(program)
    if network.ByteSize() > _LARGEST_BYTES:
        raise NotCompilable("the network is larger than 2 GB")
    spec = spec_of(program, [output.name for output in network.graph.output], source_digest, made_by)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(network.SerializeToString())
    (folder / "artifact.json").write_bytes(encode(spec))
    return spec


def spec_of(program: Program, outputs: list[str], source_digest: str, made_by: str) -> ArtifactSpec:
    """`outputs` of the network: the answer and, if rows can be declined, the flag for it."""
    answer, used = program.answer, used_columns(program)
    return ArtifactSpec(
        format=FORMAT,
        source=source_digest,
        made_by=made_by,
        columns=[_column(column, is_used=place in used) for place, column in enumerate(program.columns)],
        feeds=[Feed(INPUT, "float64", list(range(len(program.columns))))],
        answers=[AnswerSpec(outputs[0], answer.shape, answer.dtype, list(answer.labels))],
        is_tensor=program.is_tensor,
        minimum_runtime=_MINIMUM_RUNTIME,
        declines=outputs[1] if program.declines is not None else None,
    )


def _column(column: Column, *, is_used: bool) -> ColumnSpec:
    vocabulary = list(column.vocabulary) if column.kind == "string" else None
    return ColumnSpec(column.name, column.kind, column.required, vocabulary, is_used)
