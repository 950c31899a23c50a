"""Evaluations, scans and reports as rows."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, exists, insert, select

from pierhead.kit.clock import from_ms, to_ms
from pierhead.registry.domain.gate import Evaluation, Report, Scan
from pierhead.registry.store.chunks import among, chunks
from pierhead.registry.store.evidence_tables import artifact_scans, version_evaluations, version_reports
from pierhead.registry.store.tables import model_versions as versions


class EvidenceStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def evaluations_of(self, version_id: str) -> tuple[Evaluation, ...]:
        """Empty if nobody looked yet."""
        query = select(version_evaluations.c.evaluations).where(version_evaluations.c.version_id == version_id)
        text = self._connection.scalar(query)
        return () if text is None else tuple(_evaluation(plain) for plain in json.loads(text))

    def put_evaluations(self, version_id: str, evaluations: Sequence[Evaluation], now: datetime) -> None:
        # The standard library's JSON keeps infinities and what is no number.
        text = json.dumps([_plain(each) for each in evaluations])
        self._put(version_evaluations, {"version_id": version_id}, {"evaluations": text, "refreshed_at": now})

    def find_scan(self, files_digest: str, rules: int) -> Scan | None:
        """None if these files were never scanned by these rules."""
        table = artifact_scans
        query = select(table).where(table.c.files_digest == files_digest, table.c.rules == rules)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Scan(row.files_scanned, tuple(json.loads(row.dangers)))

    def put_scan(self, files_digest: str, rules: int, scan: Scan, now: datetime) -> None:
        key = {"files_digest": files_digest, "rules": rules}
        values = {"files_scanned": scan.files_scanned, "dangers": json.dumps(scan.dangers), "scanned_at": now}
        self._put(artifact_scans, key, values)

    def reports_of(self, version_id: str) -> Mapping[str, Report]:
        """By the name of the check that they answer."""
        query = select(version_reports).where(version_reports.c.version_id == version_id)
        return {
            row.name: Report(row.passed, row.message, row.reported_at, row.digest)
            for row in self._connection.execute(query)
        }

    def put_report(self, version_id: str, name: str, report: Report) -> None:
        values = {
            "passed": report.passed,
            "message": report.message,
            "digest": report.digest,
            "reported_at": report.at,
        }
        self._put(version_reports, {"version_id": version_id, "name": name}, values)

    def unreported(self, name: str, digests: Collection[str]) -> set[str]:
        """Those digests of files that a version holds of which there is no report under this name."""
        found = set[str]()
        has_report = exists().where(version_reports.c.version_id == versions.c.id, version_reports.c.name == name)
        for some in chunks(sorted(digests)):
            query = select(versions.c.digest).where(among(self._connection, versions.c.digest, some), ~has_report)
            found.update(self._connection.scalars(query))
        return found

    def _put(self, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        columns = [table.c[name] == value for name, value in key.items()]
        self._connection.execute(delete(table).where(*columns))
        self._connection.execute(insert(table).values(**key, **values))


def _plain(evaluation: Evaluation) -> list[Any]:
    return [
        evaluation.metric,
        evaluation.value,
        evaluation.dataset,
        evaluation.dataset_digest,
        to_ms(evaluation.measured_at),
    ]


def _evaluation(plain: Sequence[Any]) -> Evaluation:
    metric, value, dataset, digest, measured_ms = plain
    return Evaluation(metric, value, dataset, digest, from_ms(measured_ms))
