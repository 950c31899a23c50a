"""The lineage of a version as JSON."""

from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.registry.domain.gate import ProvenanceState
from pierhead.registry.domain.lineage import Lineage
from pierhead.registry.domain.provenance import Provenance, Record, TrainingInput


def lineage_json(lineage: Lineage) -> dict[str, Any]:
    version, provenance = lineage.version, lineage.provenance
    record = provenance.record if provenance else None
    return {
        "name": version.model_name,
        "version": str(version.number),
        "source": version.source,
        "registered_by": version.user_name,
        "registered_at": to_ms(version.created_at),
        "provenance": _provenance(provenance),
        "run": {
            "run_id": provenance.run_id if provenance else version.run_id,
            "user": provenance.run_user if provenance else None,
        },
        "code": _code(record),
        "environment": {"sha256": record.environment_sha256 if record else None, "files": dict(lineage.environment)},
        "inputs": [_input(each) for each in record.inputs] if record else [],
        "endpoints": list(lineage.endpoints),
        "copies": [{"name": copy.model_name, "version": str(copy.number)} for copy in lineage.copies],
    }


def _provenance(provenance: Provenance | None) -> dict[str, Any]:
    if provenance is None:
        return {"state": ProvenanceState.PENDING.value, "message": "nobody has looked at the version's run yet"}
    completed_at = provenance.completed_at
    return {
        "state": provenance.effective_state.value,
        "message": provenance.message,
        "digest": provenance.digest,
        "record_sha256": provenance.record.digest if provenance.record else None,
        "completed_at": None if completed_at is None else to_ms(completed_at),
        "checked_at": to_ms(provenance.checked_at),
        "late_inputs": list(provenance.late),
        "lost_inputs": list(provenance.lost),
    }


def _code(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {}
    code = record.code
    return {
        "git_commit": code.git_commit,
        "git_repository": code.git_repository,
        "is_dirty": code.is_dirty,
        "source_name": code.source_name,
        "entry_point": code.entry_point,
    }


def _input(each: TrainingInput) -> dict[str, Any]:
    return {
        "dataset": each.dataset,
        "table": each.claimed,
        "location": each.location,
        "table_id": each.table_id,
        "version": each.version,
        "schema_sha256": each.schema_sha256,
        "manifest_sha256": each.manifest_sha256,
        "rows": each.rows,
        "is_pinned": each.is_kept,
    }
