"""The safety scan of a version's files, once per content."""

from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.registry.domain.gate import Scan
from pierhead.registry.ports import FileScanner
from pierhead.registry.store.evidence import EvidenceStore

RULES = 2
"""Rises when the scan learns something; files are scanned again then."""


class Scans:
    """Waits for the scan; never called within a transaction."""

    def __init__(self, database: Database, clock: Clock, artifacts: ArtifactStore, scanner: FileScanner) -> None:
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._scanner = scanner

    def scan(self, files_digest: str) -> Scan:
        """What was found in these files, now or before."""
        with self._database.reading() as connection:
            known = EvidenceStore(connection).find_scan(files_digest, RULES)
        if known is not None:
            return known
        files = self._artifacts.manifest(files_digest).files
        found = self._scanner.scan([(self._artifacts.file(file.sha256), file.path) for file in files])
        with self._database.transaction() as connection:
            EvidenceStore(connection).put_scan(files_digest, RULES, found, self._clock.now())
        return found
