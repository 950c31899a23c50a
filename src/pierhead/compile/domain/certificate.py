"""What was proved about a compiled version, and how a version is to be served."""

from enum import StrEnum

import msgspec


class Tier(StrEnum):
    """How a version is served: A by its compiled artifact, B by its library's own object, C by `mlflow.pyfunc`."""

    COMPILED = "A"
    NATIVE = "B"
    PYFUNC = "C"


class Verdict(StrEnum):
    EXACT = "exact"
    """No difference beyond 1e-9 relative on any row."""

    EQUIVALENT = "equivalent"
    """At most 1e-5 relative, and no decision flips."""

    REFUSED = "refused"
    """Wrong on some row, or not to be compiled at all: the original serves."""


class Differences(msgspec.Struct, frozen=True):
    """Compared over `rows` rows of `cases` requests. Relative differences; quantiles over rows."""

    rows: int
    cases: int
    worst: float
    p99: float
    flips: int
    """Rows whose decision (label, side of the threshold) differs and is no tie."""
    ties: int
    mismatches: int
    """Rows beyond the tolerance, flips included."""


class WorstRow(msgspec.Struct, frozen=True):
    """The row with the largest difference, as JSON of one request, and what each side answered."""

    kind: str
    """Where the row came from: `example`, `sample`, `logged`, `boundary`, `special`, `random`."""
    request: str
    original: str
    compiled: str


class Timing(msgspec.Struct, frozen=True):
    """Microseconds of one call, median, in this machine's compile job: for choosing, not for boasting."""

    rows: int
    original_us: float
    compiled_us: float | None


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """Signed as canonical JSON by the platform's key. `artifact` is None where nothing was compiled."""

    format: int = 1
    source: str
    """Digest of the model's files."""
    artifact: str | None
    """Digest of the artifact's files."""
    verdict: Verdict
    reason: str
    """Why it was refused; empty otherwise."""
    made_by: str
    """How the artifact was made, with versions; the last way tried where it was refused."""
    versions: dict[str, str]
    """Of the runtime (`onnxruntime`, `numpy`) and of the original's libraries."""
    arch: str
    rows_digest: str | None
    """SHA-256 of the requests that were compared, in order."""
    differences: Differences | None
    worst: WorstRow | None
    is_row_independent: bool
    """Whether a row's answer is the same in whatever company: requests may share a batch."""
    row_dependence: str
    """Why not, or why it could not be told; empty where it is independent."""
    tier: Tier
    engine_row: str
    """What answers single rows: `onnxruntime`, `native` or `pyfunc`."""
    engine_batch: str
    """What is fastest on 10,000 rows."""
    timings: list[Timing]
    made_at_ms: int
    golden_rows: int
    """How many rows lie in the artifact's `golden.json`, with the original's answers."""


_CERTIFICATE = msgspec.json.Decoder(Certificate)


class Runtime(msgspec.Struct, frozen=True):
    """What would run an artifact: a proof holds for one kind of processor and one version of ONNX Runtime."""

    arch: str
    onnxruntime: str

    def has_proof_in(self, certificate: Certificate) -> bool:
        return (certificate.arch, certificate.versions.get("onnxruntime")) == (self.arch, self.onnxruntime)


def encode(certificate: Certificate) -> bytes:
    return msgspec.json.encode(certificate, order="sorted")


def decode(raw: bytes) -> Certificate:
    """Raises msgspec.DecodeError if `raw` is no certificate."""
    return _CERTIFICATE.decode(raw)
