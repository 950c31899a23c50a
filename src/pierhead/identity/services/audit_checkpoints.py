"""Writes checkpoints of the audit trail into a file outside the database."""

import os
from pathlib import Path

import structlog

from pierhead.identity.domain.audit import START, digest_of
from pierhead.identity.domain.audit_checkpoints import Checkpoint, Signed, is_due, parse_lines
from pierhead.identity.domain.audit_merkle import Tree
from pierhead.identity.domain.audit_verification import Mark
from pierhead.identity.services.audit_keys import Signer
from pierhead.identity.store.audit import AuditStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState

log = structlog.get_logger()

_RECORDS_AT_ONCE = 1000
_END_BYTES = 16 * 1024
"""Room for several lines."""


class Checkpoints:
    """The loop that vouches for new records. There is one per home; it alone writes the file."""

    def __init__(self, database: Database, clock: Clock, file: Path, signer: Signer) -> None:
        self._database = database
        self._clock = clock
        self._file = file
        self._signer = signer

    def tick(self) -> None:
        """Write a checkpoint if one is due. Raises InvalidState if records that were vouched for are gone."""
        self._step(is_last=False)

    def finish(self) -> None:
        """Write a checkpoint if there is anything new."""
        self._step(is_last=True)

    def _step(self, *, is_last: bool) -> None:
        last = self._last()
        covered = 0 if last is None else last.tree.size
        with self._database.reading() as connection:
            store = AuditStore(connection)
            size, log_id, mark = store.size(), store.find_log_id(), store.find_mark(self._key_id)
            next_one = store.find(covered + 1)
        if size < covered:
            raise InvalidState(
                f"the audit trail has {size} records, but checkpoint {self._file} vouches for {covered}: "
                "`pierhead audit verify` tells more"
            )
        oldest = None if next_one is None else next_one.columns.at
        if log_id is None or size == covered:
            return
        if is_last or is_due(size, last, self._clock.now(), oldest):
            self._write(last, mark, log_id)

    @property
    def _key_id(self) -> str:
        return self._signer.verifier.key_id

    def _last(self) -> Checkpoint | None:
        """The newest line that we signed. What somebody else wrote into the file is nothing to build on."""
        for lines in (read_end(self._file), read_lines(self._file)):
            for signed in reversed(parse_lines(lines)):
                if self._signer.verifier.is_signed(signed):
                    return signed.checkpoint
        return None

    def _write(self, last: Checkpoint | None, mark: Mark | None, log_id: str) -> None:
        tree, head = self._grown(last)
        # Else a power cut could take records from the database that the file already vouches for.
        self._database.make_durable()
        number, previous = (0, None) if last is None else (last.number, last.digest)
        if mark is not None and mark.number > number:
            # The file has lost its end. What follows refers to what was lost, so that the gap stays to be seen.
            log.error("audit checkpoints are missing", file=str(self._file), last=number, remembered=mark.number)
            number, previous = mark.number, mark.digest
        checkpoint = Checkpoint(log_id, number + 1, tree, head, self._clock.now(), previous)
        append_line(self._file, self._signer.sign(checkpoint))
        with self._database.transaction() as connection:
            AuditStore(connection).set_mark(self._key_id, checkpoint)

    def _grown(self, last: Checkpoint | None) -> tuple[Tree, bytes]:
        """The tree with all newer records, and the digest of the last.

        Raises InvalidState if one of them does not follow the one before.
        """
        tree, head = (Tree(), START) if last is None else (last.tree, last.head)
        while True:
            with self._database.reading() as connection:
                records = AuditStore(connection).list_after(tree.size, _RECORDS_AT_ONCE)
            for record in records:
                if record.number != tree.size + 1 or digest_of(head, record.content) != record.digest:
                    raise InvalidState(
                        f"audit record {tree.size + 1} does not follow what was vouched for: "
                        "`pierhead audit verify` tells more"
                    )
                tree, head = tree.with_leaf(record.digest), record.digest
            if len(records) < _RECORDS_AT_ONCE:
                return tree, head


def read_lines(file: Path) -> list[bytes]:
    """The file's lines, whole or not; none if there is no file."""
    try:
        return file.read_bytes().splitlines()
    except FileNotFoundError:
        return []


def read_end(file: Path) -> list[bytes]:
    """The last lines, the first of them maybe not whole; none if there is no file."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - _END_BYTES))
            return opened.read().splitlines()
    except FileNotFoundError:
        return []


def append_line(file: Path, signed: Signed) -> None:
    """Add a checkpoint and wait until it is on the disk. The file is only ever appended to."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not file.exists()
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        # A line that a crash broke off stays what it is; ours begins on a new one.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        line = (b"\n" if torn else b"") + signed.line + b"\n"
        if os.write(descriptor, line) != len(line):
            raise OSError(f"the disk of {file} is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
