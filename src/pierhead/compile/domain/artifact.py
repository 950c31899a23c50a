"""The compiled artifact: a folder with `artifact.json` and `model.onnx`, the same for endpoints, batch and devices.

`artifact.json` says how callers' columns become the network's inputs and how its outputs become an answer.
"""

import msgspec

FORMAT = 1


class ColumnSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """See `compile.domain.program.Column`. A vocabulary turns strings into codes; None leaves them strings."""

    name: str | None
    kind: str
    required: bool = True
    vocabulary: list[str] | None = None
    is_used: bool = True
    """Whether answers depend on it. What the model drops may be a whole number that no double holds."""


class Feed(msgspec.Struct, frozen=True):
    """An input of the network: a matrix `[rows, len(columns)]` of `dtype` made of these columns (by position).

    `dtype` is `float64`, `float32`, `int64`, `bool` or `string`. `width` None means one value a row without a second
    axis.
    """

    input: str
    dtype: str
    columns: list[int]
    is_flat: bool = False


class AnswerSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """See `compile.domain.program.Answer`; `output` names an output of the network."""

    output: str
    shape: str
    dtype: str
    labels: list[str | int | float | bool] = []
    names: list[str] = []
    """Names of the columns of a DataFrame answer, which is written as records; empty for arrays."""


class ArtifactSpec(msgspec.Struct, frozen=True):
    """`source` names the model's files by digest; `made_by` says how it was made: `pierhead 0.1`, `skl2onnx 1.20`."""

    format: int
    source: str
    made_by: str
    columns: list[ColumnSpec]
    feeds: list[Feed]
    answers: list[AnswerSpec]
    is_tensor: bool = False
    minimum_runtime: str = "1.21"
    by_output: bool = False
    """Whether an answer is an object with an array for each output, as `mlflow.onnx` gives for tensors."""
    declines: str | None = None
    """An output `[rows, 1]`: a row in which it is not 0 (NaN is not 0) must be put to the original. See `Program`."""


_ARTIFACT = msgspec.json.Decoder(ArtifactSpec)


def encode(spec: ArtifactSpec) -> bytes:
    return msgspec.json.encode(spec)


def decode(raw: bytes) -> ArtifactSpec:
    """Raises msgspec.DecodeError if `raw` is no artifact.json."""
    return _ARTIFACT.decode(raw)
