"""Is the trail what it was? Tells an edit, a reordering, a removal, a truncation and a bad signature apart. Pure.

Records are read once, in order, and none is kept. What each finding means is said in docs/explanation/audit.md.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice

from pierhead.identity.domain.audit import START, Columns, Record, columns_of, digest_of, parsed
from pierhead.identity.domain.audit_checkpoints import Checkpoint, Signed
from pierhead.identity.domain.audit_merkle import Tree

_MOST_OF_A_KIND = 100
"""Findings of one kind that are told; the rest is the same once more."""


class Problem(Enum):
    """Values are words for messages and scripts."""

    EDITED = "edited"
    REORDERED = "reordered"
    REMOVED = "removed"
    TRUNCATED = "truncated"
    BAD_SIGNATURE = "bad signature"
    NO_CHECKPOINTS = "no checkpoints"
    CHECKPOINTS_DAMAGED = "checkpoints damaged"


@dataclass(frozen=True, slots=True)
class Finding:
    """`number` is the first record that it is about; None if it is about checkpoints alone."""

    problem: Problem
    number: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest checkpoint that the database remembers to have been written."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the records are held against: the file's checkpoints in order, and who can tell a signature of ours.

    `mark` is None if the file is a copy from elsewhere, which may be older than the database.
    """

    log_id: str | None
    checkpoints: Sequence[Signed]
    is_signed: Callable[[Signed], bool]
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """`covered` records of `size` are vouched for by a checkpoint. Findings in the order of the records."""

    size: int
    covered: int
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding | None:
        return self.findings[0] if self.findings else None


def verify(records: Iterable[Record], evidence: Evidence | None) -> Report:
    """Hold the records, in the order of their numbers, against themselves and the evidence; None if there is none."""
    file_findings = [] if evidence is None else list(_of_file(evidence))
    trusted = [] if evidence is None else [each.checkpoint for each in evidence.checkpoints if evidence.is_signed(each)]
    chain = _Chain({each.tree.size: each for each in trusted})
    for record in records:
        chain.look_at(record)
    findings = chain.findings()
    broken_at = min((each.number for each in findings if each.number is not None), default=None)
    against = list(_against(trusted, chain, broken_at))
    if evidence is None and chain.size:
        message = "there is no checkpoint file: whether the end is missing is unknown; the controller writes the file"
        against.append(Finding(Problem.NO_CHECKPOINTS, None, message))
    covered = max((each.tree.size for each in trusted if each.tree.size <= chain.size), default=0)
    return Report(chain.size, covered, (*findings, *file_findings, *against))


@dataclass(slots=True)
class _Chain:
    """Follows the records one by one."""

    checkpoints: dict[int, Checkpoint]
    size: int = 0
    tree: Tree | None = field(default_factory=Tree)
    unlike: list[Checkpoint] = field(default_factory=list)
    _previous: bytes | None = START
    _edits: list[Finding] = field(default_factory=list)
    _missing: list[int] = field(default_factory=list)
    _misplaced: dict[int, int] = field(default_factory=dict)

    def look_at(self, record: Record) -> None:
        place = self.size + 1
        if record.number != place:
            # A range may be huge; its first is what is told.
            self._missing.append(place)
            self._previous = self.tree = None
        self._judge(record)
        self._previous = record.digest
        self.size = record.number
        if self.tree is not None:
            self.tree = self.tree.with_leaf(record.digest)
            checkpoint = self.checkpoints.get(self.size)
            if checkpoint is not None and checkpoint.tree != self.tree:
                self.unlike.append(checkpoint)

    def _judge(self, record: Record) -> None:
        number = record.number
        try:
            fields = parsed(record.content)
            says, columns = fields["sequence_number"], columns_of(fields)
        except (ValueError, KeyError, TypeError, OverflowError):
            self._edit(number, "its content cannot be read")
            return
        if says != number:
            self._misplaced[number] = says if isinstance(says, int) else 0
            return
        # After a record that stands at a wrong place, nobody knows what this one followed.
        follows = None if number - 1 in self._misplaced else self._previous
        if follows is not None and digest_of(follows, record.content) != record.digest:
            self._edit(number, "its digest is not that of its content after the record before it")
        elif columns != record.columns:
            self._edit(number, f"its column {_unlike(columns, record.columns)} says something else than its content")

    def _edit(self, number: int, why: str) -> None:
        if len(self._edits) < _MOST_OF_A_KIND:
            self._edits.append(Finding(Problem.EDITED, number, f"record {number} was edited: {why}"))

    def findings(self) -> list[Finding]:
        """What is wrong with the records by themselves, in their order."""
        claimed = Counter(self._misplaced.values())
        found = list(self._edits)
        for place in self._missing:
            if place in claimed:
                found.append(Finding(Problem.REORDERED, place, f"record {place} stands at another place"))
            else:
                found.append(Finding(Problem.REMOVED, place, f"record {place} is gone"))
        told = islice(self._misplaced.items(), _MOST_OF_A_KIND)
        found.extend(self._of_misplaced(number, says, claimed) for number, says in told)
        return sorted(found, key=lambda finding: finding.number or 0)

    def _of_misplaced(self, number: int, says: int, claimed: Counter[int]) -> Finding:
        if number in claimed or says in self._missing:
            message = f"records were reordered: at place {number} stands record {says}"
            return Finding(Problem.REORDERED, number, message)
        if claimed[says] > 1 or (says <= self.size and says not in self._misplaced):
            return Finding(Problem.EDITED, number, f"record {number} was edited: it calls itself {says}")
        return Finding(Problem.REMOVED, number, f"record {number} is gone: its place was given to record {says}")


def _unlike(columns: Columns, stored: Columns) -> str:
    return next(name for name in Columns.__slots__ if getattr(columns, name) != getattr(stored, name))


def _of_file(evidence: Evidence) -> Iterator[Finding]:
    """What is wrong with the file of checkpoints by itself."""
    before: Checkpoint | None = None
    for signed in evidence.checkpoints:
        checkpoint = signed.checkpoint
        name = f"checkpoint {checkpoint.number} (of {checkpoint.tree.size} records)"
        if not evidence.is_signed(signed):
            yield Finding(Problem.BAD_SIGNATURE, None, f"{name} is not signed by the key of this trail")
        if evidence.log_id is not None and checkpoint.log_id != evidence.log_id:
            yield _damaged(f"{name} is of another trail ({checkpoint.log_id})")
        if not _follows(checkpoint, before):
            last = "none" if before is None else str(before.number)
            yield _damaged(f"{name} does not follow the one before it in the file ({last}): lines are missing or moved")
        before = checkpoint
    if evidence.mark is not None and not _has(evidence.checkpoints, evidence.mark):
        yield _damaged(f"the file has lost checkpoint {evidence.mark.number}, which the database remembers")


def _follows(checkpoint: Checkpoint, before: Checkpoint | None) -> bool:
    if before is None:
        return checkpoint.previous is None and checkpoint.number == 1
    return (
        checkpoint.previous == before.digest
        and checkpoint.number == before.number + 1
        and checkpoint.tree.size >= before.tree.size
    )


def _has(checkpoints: Sequence[Signed], mark: Mark) -> bool:
    return any(each.checkpoint.number == mark.number and each.checkpoint.digest == mark.digest for each in checkpoints)


def _damaged(message: str) -> Finding:
    return Finding(Problem.CHECKPOINTS_DAMAGED, None, message)


def _against(trusted: Sequence[Checkpoint], chain: _Chain, broken_at: int | None) -> Iterator[Finding]:
    """What checkpoints tell of the records beyond what these show by themselves."""
    longest = max(trusted, key=lambda each: each.tree.size, default=None)
    if longest is not None and longest.tree.size > chain.size:
        gone = f"records {chain.size + 1} to {longest.tree.size} are gone"
        yield Finding(
            Problem.TRUNCATED, chain.size + 1, f"{gone}: checkpoint {longest.number} of {longest.at:%F %TZ} had them"
        )
    if not chain.unlike:
        return
    first = chain.unlike[0]
    if broken_at is not None and broken_at <= first.tree.size:
        # The same break once more.
        return
    agreed = max((each.tree.size for each in trusted if each.tree.size < first.tree.size), default=0)
    yield Finding(
        Problem.EDITED,
        agreed + 1,
        f"one of the records {agreed + 1} to {first.tree.size} was rewritten, with all digests after it: they are not "
        f"what checkpoint {first.number} of {first.at:%F %TZ} vouches for",
    )
