"""Checks of what the registry recorded of a version: its signature, its training data, the scan of its files."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from pierhead.kit.yaml_reader import Reader
from pierhead.registry.domain.check import Check, Failed, Passed, Verdict
from pierhead.registry.domain.gate import Evidence, ProvenanceState

_MOST_DANGERS_TOLD = 5
_NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoParams:
    """Of a check that has nothing to set."""


def _no_params(reader: Reader) -> NoParams:
    reader.entries(())
    return NoParams()


def _judge_signature(evidence: Evidence, _params: NoParams, _now: datetime) -> Verdict:
    if evidence.has_signature:
        return Passed()
    return Failed(
        "the model has no signature, so that nothing checks what it is sent; log it again with "
        "signature=infer_signature(X, y) or input_example=X, and register that"
    )


def _judge_data_version(evidence: Evidence, _params: NoParams, _now: datetime) -> Verdict:
    if evidence.provenance is ProvenanceState.COMPLETE:
        return Passed()
    said = evidence.provenance_message or evidence.provenance.value
    return Failed(
        f"the version of the training data is not recorded: {said.rstrip('.')}; log the Delta table with its version "
        "as an input of the training run (context 'training')"
    )


@dataclass(frozen=True, slots=True)
class ScanParams:
    """`allow` are globs over the words of a danger, in lower case."""

    allow: tuple[str, ...]


def _read_scan(reader: Reader) -> ScanParams:
    allowed = reader.entries(("allow",)).read("allow", Reader.texts, _NOTHING)
    return ScanParams(tuple(text.lower() for text in allowed))


def _judge_scan(evidence: Evidence, params: ScanParams, _now: datetime) -> Verdict:
    if evidence.scan is None:
        return Failed("the files were not scanned for code that runs when the model is loaded")
    left = [danger for danger in evidence.scan.dangers if not _is_allowed(danger, params)]
    if not left:
        return Passed()
    more = f" and {len(left) - _MOST_DANGERS_TOLD} more" if len(left) > _MOST_DANGERS_TOLD else ""
    return Failed(
        f"the scan of the files found {'; '.join(left[:_MOST_DANGERS_TOLD])}{more}; save the model in a format that "
        "runs no code when it is loaded, or let the policy allow what was reviewed (artifact_scan: allow)"
    )


def _is_allowed(danger: str, params: ScanParams) -> bool:
    return any(fnmatchcase(danger.lower(), pattern) for pattern in params.allow)


SIGNATURE = Check("signature", "the model says what it takes and gives", _no_params, _judge_signature)
DATA_VERSION = Check(
    "data_version", "the version of the training data is recorded and complete", _no_params, _judge_data_version
)
ARTIFACT_SCAN = Check("artifact_scan", "the scan found no code in the files that loading runs", _read_scan, _judge_scan)
