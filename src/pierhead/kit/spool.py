"""Records on disk between a process that must not wait and one that is in no hurry. Standard library only.

`ROOT/TABLE/STREAM/` is the stream of one writer's life into one table. Its segments are files named by the absolute
offset of their first byte in the stream (20 digits); a segment ends where the next begins. A record is `<II`, payload
length in bytes and CRC-32 of the payload, then the payload. The writer holds a lock on the file `lock` as long as it
lives, so that a reader can tell a record that is still being written from one that never will be.

A record that a reader could see is never taken back, and an offset is never used twice: whoever keeps the offset up to
which a stream has been read reads every record once. Records survive the death of every process, not of the machine.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from pierhead.kit.clock import monotonic_s
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName

SEGMENT_BYTES = 64 * 1024 * 1024
"""A segment that has reached this size is followed by a new one."""

MAX_BACKLOG_BYTES = 8 * 1024**3
"""What all writers together may leave lying for one table."""

# When a table is full, how long it is taken to be so without looking.
_LOOK_AGAIN_S = 1.0

_HEADER = struct.Struct("<II")
_pack = _HEADER.pack
_crc32 = zlib.crc32
_LOCK = "lock"
_SEGMENT = re.compile(r"(\d{20})\.seg")
_STREAM_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class SpoolError(OSError):
    """Records could not be written; the first `written` of the call's records were."""

    def __init__(self, number: int, message: str, path: str, written: int = 0) -> None:
        super().__init__(number, message, path)
        self.written = written


class SpoolWriter:
    """Appends records to the streams of one writer, a stream for each table. Not safe to share between threads."""

    def __init__(
        self,
        root: Path,
        stream_id: str,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        max_backlog_bytes: int = MAX_BACKLOG_BYTES,
    ) -> None:
        """Streams are named `stream_id`, a dot and 12 random digits: a restarted writer never goes on with old ones.

        A table takes no more while `max_backlog_bytes` of it lie here unread: nobody reads it, and the disk is not for
        it alone. Writers look now and then only: each may exceed this by a segment.

        Raises ValueError if `stream_id` is no plain name of at most 100 letters, digits, '_', '.' and '-'.
        """
        if not _STREAM_ID.fullmatch(stream_id):
            raise ValueError(f"stream id {stream_id!r} must be a name of letters, digits, '_', '.' and '-'")
        self.stream_name = f"{stream_id}.{secrets.token_hex(6)}"
        self._root = root
        self._segment_bytes = segment_bytes
        self._max_backlog_bytes = max_backlog_bytes
        self._streams: dict[str, _Stream] = {}
        self._is_closed = False

    def append(self, table: str, records: Sequence[bytes]) -> None:
        """Write all records to the stream of `table` (a three-part name) with one write.

        Raises OSError (disk or table full, no permission, no such name): none of the records is there, or the first
        `written` of a SpoolError. The stream stays readable and the next call tries again. Raises ValueError for an
        empty record.
        """
        stream = self._streams.get(table)
        if self._is_closed:
            # Its streams may be read and gone; one of the same name must not begin again.
            raise SpoolError(errno.EBADF, "the writer is closed", self.stream_name)
        if stream is None:
            folder = table_folder(self._root, table)
            room = _Room(folder, self._max_backlog_bytes, self._segment_bytes)
            stream = _Stream(folder / self.stream_name, self._segment_bytes, room)
            self._streams[table] = stream
        if records:
            stream.append(records)

    def close(self) -> None:
        """Give the locks back; readers take the streams for finished from now on."""
        for stream in self._streams.values():
            stream.close()
        self._is_closed = True


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of a stream: `start` is the absolute offset of its first byte, `end` of the byte behind its last."""

    path: Path
    start: int
    end: int


def table_folder(root: Path, table: str) -> Path:
    """The folder of a table's streams. Raises OSError if `table` is not a plain three-part name."""
    try:
        return root / str(FullName.parse(table))
    except InvalidArgument:
        raise SpoolError(errno.EINVAL, "not a table name of three plain parts", table) from None


def tables(root: Path) -> list[str]:
    """Names of the tables that have a folder in the spool, sorted."""
    return sorted(path.name for path in _folders(root) if _is_table(path.name))


def streams(root: Path, table: str) -> list[Path]:
    """The folders of a table's streams, sorted by name."""
    # A name with a dot in front is a stream that its writer is still setting up.
    return sorted(path for path in _folders(table_folder(root, table)) if not path.name.startswith("."))


def read(stream: Path, from_offset: int, max_bytes: int) -> tuple[list[bytes], int]:
    """Complete records from `from_offset` on, and the offset behind them. 0 means from the first one that is left.

    Ends after the record with which `max_bytes` is reached. What can be no record is skipped once its writer is done
    with it (it is dead, or writes another segment): `lost_bytes` tells how much that was.
    """
    # Asked before looking: what lies there when the writer is known to be dead is final.
    is_final = not is_writer_alive(stream)
    segments = list_segments(stream)
    records: list[bytes] = []
    offset = from_offset if not segments else max(from_offset, segments[0].start)
    left = max_bytes
    for number, segment in enumerate(segments):
        if segment.end <= offset and segment is not segments[-1]:
            continue
        is_done = is_final or number + 1 < len(segments)
        found, offset, is_torn = _read_segment(segment, offset, left)
        records += found
        left -= sum(map(len, found))
        if is_torn and not is_done:
            break
        if is_torn:
            offset = segment.end
        if left <= 0:
            break
    return records, offset


def lost_bytes(from_offset: int, records: Sequence[bytes], next_offset: int) -> int:
    """How many of the bytes between two offsets are none of these records."""
    return next_offset - from_offset - sum(_HEADER.size + len(record) for record in records)


def is_writer_alive(stream: Path) -> bool:
    """Whether the process that writes this stream still does."""
    try:
        descriptor = os.open(stream / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def list_segments(stream: Path) -> list[Segment]:
    """The stream's segments in order; each ends where the next one begins, the last one with its file."""
    try:
        names = [entry.name for entry in os.scandir(stream)]
    except FileNotFoundError:
        return []
    starts = sorted(int(match[1]) for match in map(_SEGMENT.fullmatch, names) if match)
    if not starts:
        return []
    last = segment_path(stream, starts[-1])
    ends = [*starts[1:], starts[-1] + (last.stat().st_size if last.exists() else 0)]
    return [Segment(segment_path(stream, start), start, end) for start, end in zip(starts, ends, strict=True)]


def segment_path(stream: Path, start: int) -> Path:
    return stream / f"{start:020}.seg"


def first_offset(stream: Path) -> int:
    """The offset of the first byte that is left of the stream; 0 if nothing is."""
    segments = list_segments(stream)
    return segments[0].start if segments else 0


def backlog_bytes(stream: Path, offset: int) -> int:
    """How many bytes lie behind `offset`."""
    segments = list_segments(stream)
    return max(0, segments[-1].end - max(offset, segments[0].start)) if segments else 0


def release(stream: Path, offset: int) -> bool:
    """Delete what lies wholly before `offset`: whole segments, and the stream itself if it is finished (then True)."""
    if not is_writer_alive(stream) and not read(stream, offset, 1)[0]:
        # The lock goes last: until then the folder still is a stream that can be released again.
        for segment in list_segments(stream):
            segment.path.unlink(missing_ok=True)
        shutil.rmtree(stream, ignore_errors=True)
        return True
    for segment, following in pairwise(list_segments(stream)):
        if following.start <= offset:
            segment.path.unlink(missing_ok=True)
    return False


class _Room:
    """How much a table's streams may still grow. Counts what it lets pass, and looks at the disk once a segment."""

    def __init__(self, folder: Path, max_bytes: int, stride_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._stride_bytes = stride_bytes
        self._left_bytes = 0
        self._full_until_s = 0.0

    def take(self, size: int) -> bool:
        """Whether there is room for `size` bytes, which then count as written."""
        if self._left_bytes < size and not self._look(size):
            return False
        self._left_bytes -= size
        return True

    def _look(self, size: int) -> bool:
        now_s = monotonic_s()
        if now_s < self._full_until_s:
            return False
        left_bytes = self._max_bytes - sum(map(_size_of, self._folder.glob("*/*.seg")))
        if left_bytes < size:
            self._full_until_s = now_s + _LOOK_AGAIN_S
            return False
        # Others write to this table too: look again before long.
        self._left_bytes = max(size, min(left_bytes, self._stride_bytes))
        return True


class _Stream:
    """The writing end of one stream."""

    def __init__(self, folder: Path, segment_bytes: int, room: _Room) -> None:
        self._folder = folder
        self._room = room
        self._segment_bytes = segment_bytes
        self._start = 0
        self._end = 0
        self._lock = -1
        self._segment = -1
        self._must_rotate = False

    def append(self, records: Sequence[bytes]) -> None:
        framed: list[bytes] = []
        size = _HEADER.size * len(records)
        for record in records:
            length = len(record)
            if not length:
                # Zeros, which a file system may leave at the end of a file, would read as empty records.
                raise ValueError("a record must not be empty")
            size += length
            framed.append(_pack(length, _crc32(record)))
            framed.append(record)
        if not self._room.take(size):
            self._offer_segment()
            raise SpoolError(errno.EDQUOT, "too much waits to be read", str(self._folder))
        self._make_ready()
        try:
            written = os.write(self._segment, b"".join(framed))
        except OSError as error:
            self._cut()
            raise SpoolError(error.errno or errno.EIO, error.strerror or "write failed", str(self._folder)) from error
        if written == size:
            self._end += written
            return
        # Readers may have seen the complete ones already: those stay, the torn one goes.
        sizes = (_HEADER.size + len(record) for record in records)
        ends = [end for end in accumulate(sizes) if end <= written]
        self._end += ends[-1] if ends else 0
        self._cut()
        message = f"{len(ends)} of {len(records)} records written, disk full"
        raise SpoolError(errno.ENOSPC, message, str(self._folder), len(ends))

    def close(self) -> None:
        for descriptor in (self._segment, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._segment = self._lock = -1

    def _make_ready(self) -> None:
        if self._segment < 0 or os.fstat(self._lock).st_nlink == 0:
            # Never made, or somebody deleted the spool under us. The offset goes on: it names records for ever.
            self.close()
            self._create()
            return
        is_full = self._end - self._start >= self._segment_bytes
        if is_full or self._must_rotate or os.fstat(self._segment).st_nlink == 0:
            self._rotate()

    def _rotate(self) -> None:
        following = _open_segment(self._folder, self._end)
        os.close(self._segment)
        self._segment, self._start, self._must_rotate = following, self._end, False

    def _offer_segment(self) -> None:
        """Readers cannot release a segment that we may still write to: where there is no room, give up what has any."""
        if self._segment >= 0 and self._end > self._start:
            with contextlib.suppress(OSError):
                self._rotate()

    def _create(self) -> None:
        """Make the folder with lock and segment under another name first: no reader sees it without its lock."""
        draft = self._folder.with_name("." + self._folder.name)
        try:
            draft.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(draft / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._segment = _open_segment(draft, self._end)
            draft.rename(self._folder)
        except OSError:
            self.close()
            raise
        self._start, self._must_rotate = self._end, False

    def _cut(self) -> None:
        try:
            os.ftruncate(self._segment, self._end - self._start)
        except OSError:
            # A segment ends where the next begins: a new one hides the torn record as well.
            self._must_rotate = True


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _open_segment(folder: Path, start: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    return os.open(segment_path(folder, start), flags, 0o600)


def _read_segment(segment: Segment, offset: int, max_bytes: int) -> tuple[list[bytes], int, bool]:
    """Records from `offset`, the offset behind them, and whether they end in something that is no complete record."""
    records: list[bytes] = []
    try:
        file = segment.path.open("rb")
    except FileNotFoundError:
        # Released by another reader.
        return records, segment.end, False
    with file:
        file.seek(offset - segment.start)
        while offset < segment.end and max_bytes > 0:
            header = file.read(min(_HEADER.size, segment.end - offset))
            if len(header) < _HEADER.size:
                return records, offset, True
            length, checksum = _HEADER.unpack(header)
            end = offset + _HEADER.size + length
            if length == 0 or end > segment.end:
                return records, offset, True
            record = file.read(length)
            if len(record) < length or zlib.crc32(record) != checksum:
                return records, offset, True
            records.append(record)
            offset = end
            max_bytes -= length
    return records, offset, False


def _is_table(name: str) -> bool:
    try:
        FullName.parse(name)
    except InvalidArgument:
        return False
    return True


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(entry) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
