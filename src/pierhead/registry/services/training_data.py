"""From what a run says to tables that the server has opened itself."""

import os
from collections.abc import Iterable
from pathlib import Path

from pierhead.kit.delta_versions import NoSuchVersion, read_version
from pierhead.kit.names import FullName
from pierhead.registry.domain.provenance import TrainingInput
from pierhead.registry.domain.training_inputs import Claim
from pierhead.registry.ports import TrainingTables


class TrainingData:
    """Opens tables. Waits for disks; made for threads."""

    def __init__(self, tables: TrainingTables) -> None:
        self._tables = tables

    def open_all(self, claims: Iterable[Claim]) -> tuple[list[TrainingInput], list[str]]:
        """What was found, and what is wrong with the others."""
        found: list[TrainingInput] = []
        problems: list[str] = []
        for claim in claims:
            try:
                found.append(self._open(claim))
            except NoSuchVersion as error:
                problems.append(f"input '{claim.dataset}': {error}")
        return found, problems

    def find_lost(self, inputs: Iterable[TrainingInput]) -> list[str]:
        """What cannot be read any more as it was recorded, with the reason."""
        return [problem for each in inputs if (problem := _problem(each)) is not None]

    def _open(self, claim: Claim) -> TrainingInput:
        location = self._locate(claim.table)
        facts = read_version(location, claim.version)
        if claim.manifest_sha256 not in (None, facts.manifest_sha256):
            raise NoSuchVersion(
                f"version {claim.version} of the table at {location} has other files here than the run saw; is it the "
                "same table?"
            )
        return TrainingInput(
            dataset=claim.dataset,
            claimed=str(claim.table),
            location=str(location),
            table_id=facts.table_id,
            version=facts.version,
            schema_sha256=facts.schema_sha256,
            manifest_sha256=facts.manifest_sha256,
            rows=facts.rows,
            is_kept=self._tables.is_kept(location),
        )

    def _locate(self, table: FullName | Path) -> Path:
        if isinstance(table, FullName):
            location = self._tables.find_location(table)
            if location is None:
                raise NoSuchVersion(
                    f"there is no table {table} here; register it with w.tables.create, or log its path"
                )
            return Path(os.path.realpath(location))
        # Links are followed before the question, so that none leads past it.
        location = Path(os.path.realpath(table))
        if not self._tables.may_open(location):
            raise NoSuchVersion(f"there is no Delta table at {table} on the server")
        return location


def _problem(recorded: TrainingInput) -> str | None:
    try:
        facts = read_version(Path(recorded.location), recorded.version)
    except NoSuchVersion as error:
        return f"the recorded training data is lost: {error}"
    if (facts.table_id, facts.manifest_sha256) != (recorded.table_id, recorded.manifest_sha256):
        return (
            f"the recorded training data is lost: the table at {recorded.location} was replaced, its version "
            f"{recorded.version} has other files than were recorded"
        )
    return None
