"""The spool: what a writer appends, a reader finds."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pierhead.kit import spool
from pierhead.kit.spool import SpoolWriter

TABLE = "main.fraud.scores_payload"
MUCH = 1 << 30


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SpoolWriter]:
    writer = SpoolWriter(tmp_path, "gateway-0", segment_bytes=100)
    yield writer
    writer.close()


def only_stream(root: Path, table: str = TABLE) -> Path:
    (stream,) = spool.streams(root, table)
    return stream


def test_records_come_out_as_they_went_in(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"one", b"two"])
    writer.append(TABLE, [b"three"])
    assert spool.read(only_stream(tmp_path), 0, MUCH) == ([b"one", b"two", b"three"], 3 * 8 + 11)


def test_reading_goes_on_where_it_ended(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"one"])
    _, offset = spool.read(only_stream(tmp_path), 0, MUCH)
    writer.append(TABLE, [b"two"])
    assert spool.read(only_stream(tmp_path), offset, MUCH)[0] == [b"two"]


def test_a_record_longer_than_the_limit_is_read_all_the_same(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"x" * 500, b"y"])
    assert spool.read(only_stream(tmp_path), 0, 10)[0] == [b"x" * 500]


def test_a_full_segment_is_followed_by_one_named_by_its_offset(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"x" * 120])
    writer.append(TABLE, [b"y"])
    assert [segment.path.name for segment in spool.list_segments(only_stream(tmp_path))] == [
        "00000000000000000000.seg",
        "00000000000000000128.seg",
    ]
    assert spool.read(only_stream(tmp_path), 0, MUCH)[0] == [b"x" * 120, b"y"]


def test_tables_and_streams_do_not_mix(tmp_path: Path, writer: SpoolWriter) -> None:
    other = SpoolWriter(tmp_path, "gateway-0")
    writer.append(TABLE, [b"mine"])
    writer.append("main.fraud.other", [b"elsewhere"])
    other.append(TABLE, [b"theirs"])
    assert spool.tables(tmp_path) == ["main.fraud.other", TABLE]
    found = {stream.name: spool.read(stream, 0, MUCH)[0] for stream in spool.streams(tmp_path, TABLE)}
    assert found == {writer.stream_name: [b"mine"], other.stream_name: [b"theirs"]}
    other.close()


@pytest.mark.parametrize("table", ["", "a.b", "a.b.c.d", "../b.c", "a/../b.c.d", "a.b.c/d", "a.b.c\0", "a.b.c\n"])
def test_a_name_that_is_no_table_is_refused(tmp_path: Path, writer: SpoolWriter, table: str) -> None:
    with pytest.raises(OSError, match="not a table name"):
        writer.append(table, [b"x"])
    assert list(tmp_path.iterdir()) == []


def test_a_stream_id_that_is_no_plain_name_is_refused(tmp_path: Path) -> None:
    for name in ("", "a/b", ".hidden", "x" * 101):
        with pytest.raises(ValueError, match="stream id"):
            SpoolWriter(tmp_path, name)


def test_empty_records_are_refused(writer: SpoolWriter) -> None:
    with pytest.raises(ValueError, match="empty"):
        writer.append(TABLE, [b"x", b""])


def test_files_that_are_no_tables_are_overlooked(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    assert spool.tables(tmp_path) == []
    assert spool.tables(tmp_path / "missing") == []


def test_a_torn_end_waits_for_a_living_writer_and_is_skipped_after_its_death(
    tmp_path: Path, writer: SpoolWriter
) -> None:
    writer.append(TABLE, [b"one"])
    stream = only_stream(tmp_path)
    with spool.list_segments(stream)[0].path.open("ab") as file:
        file.write(b"\x10\0\0\0torn")
    assert spool.read(stream, 0, MUCH) == ([b"one"], 11)
    writer.close()
    records, offset = spool.read(stream, 0, MUCH)
    assert (records, offset) == ([b"one"], 11 + 8)
    assert spool.lost_bytes(0, records, offset) == 8


def test_a_spoilt_record_costs_the_rest_of_its_segment_only(tmp_path: Path, writer: SpoolWriter) -> None:
    for record in (b"good", b"x" * 100, b"next"):
        writer.append(TABLE, [record])
    stream = only_stream(tmp_path)
    with spool.list_segments(stream)[0].path.open("r+b") as file:
        file.seek(30)
        file.write(b"!")
    records, offset = spool.read(stream, 0, MUCH)
    assert records == [b"good", b"next"]
    assert spool.lost_bytes(0, records, offset) == 108


def test_segments_behind_the_reader_go_and_the_one_in_use_stays(tmp_path: Path, writer: SpoolWriter) -> None:
    for _ in range(4):
        writer.append(TABLE, [b"x" * 120])
    stream = only_stream(tmp_path)
    _, offset = spool.read(stream, 0, MUCH)
    assert not spool.release(stream, offset)
    assert [segment.start for segment in spool.list_segments(stream)] == [3 * 128]
    writer.append(TABLE, [b"more"])
    assert spool.read(stream, offset, MUCH)[0] == [b"more"]


def test_a_stream_goes_when_its_writer_is_dead_and_all_is_read(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"one", b"two"])
    stream = only_stream(tmp_path)
    writer.close()
    assert not spool.release(stream, 11)
    assert spool.release(stream, 22)
    assert spool.streams(tmp_path, TABLE) == []


def test_the_backlog_is_what_lies_behind_the_offset(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"one", b"two"])
    stream = only_stream(tmp_path)
    assert [spool.backlog_bytes(stream, offset) for offset in (0, 11, 22)] == [22, 11, 0]
    assert spool.backlog_bytes(tmp_path / "gone", 0) == 0


def test_a_closed_writer_takes_nothing(writer: SpoolWriter) -> None:
    writer.close()
    with pytest.raises(OSError, match="closed"):
        writer.append(TABLE, [b"x"])


def test_a_writer_whose_folder_was_deleted_makes_it_again_and_its_offsets_go_on(
    tmp_path: Path, writer: SpoolWriter
) -> None:
    writer.append(TABLE, [b"lost"])
    shutil.rmtree(tmp_path / TABLE)
    writer.append(TABLE, [b"kept"])
    stream = only_stream(tmp_path)
    assert spool.is_writer_alive(stream)
    assert spool.read(stream, 12, MUCH) == ([b"kept"], 24)


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """The kernel cuts writes off here, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_complete_records_of_a_write_and_says_how_many(
    tmp_path: Path, writer: SpoolWriter
) -> None:
    writer.append(TABLE, [b"before"])
    with files_of_at_most(14 + 11 + 5), pytest.raises(spool.SpoolError) as caught:
        writer.append(TABLE, [b"one", b"two", b"three"])
    assert caught.value.written == 1
    writer.append(TABLE, [b"after"])
    assert spool.read(only_stream(tmp_path), 0, MUCH)[0] == [b"before", b"one", b"after"]


def test_a_disk_that_takes_nothing_at_all_costs_the_call_and_nothing_else(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"before"])
    with files_of_at_most(14), pytest.raises(OSError, match="File too large"):
        writer.append(TABLE, [b"one"])
    writer.append(TABLE, [b"after"])
    assert spool.read(only_stream(tmp_path), 0, MUCH)[0] == [b"before", b"after"]


def test_where_a_torn_record_cannot_be_cut_off_a_new_segment_hides_it(tmp_path: Path, writer: SpoolWriter) -> None:
    writer.append(TABLE, [b"before"])
    segment = spool.list_segments(only_stream(tmp_path))[0].path
    with segment.open("ab") as file:
        file.write(b"torn")
    descriptor = next(
        int(fd.name) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink() and fd.readlink() == segment
    )
    with segment.open("rb") as unwritable:
        os.dup2(unwritable.fileno(), descriptor, inheritable=False)
    with pytest.raises(OSError, match="Bad file descriptor"):
        writer.append(TABLE, [b"one"])
    writer.append(TABLE, [b"after"])
    assert spool.read(only_stream(tmp_path), 0, MUCH) == ([b"before", b"after"], 27)


def test_a_table_that_cannot_be_made_is_tried_again(tmp_path: Path, writer: SpoolWriter) -> None:
    (tmp_path / TABLE).write_text("a file is in the way")
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(OSError, match=r"exists|directory"):
            writer.append(TABLE, [b"x"])
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    (tmp_path / TABLE).unlink()
    writer.append(TABLE, [b"y"])
    assert spool.read(only_stream(tmp_path), 0, MUCH)[0] == [b"y"]


def test_a_killed_writer_is_known_to_be_dead(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pierhead.kit.spool import SpoolWriter\n"
        f"writer = SpoolWriter(Path({str(tmp_path)!r}), 'g'); writer.append({TABLE!r}, [b'x'])\n"
        "print('written', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        stream = only_stream(tmp_path)
        assert spool.is_writer_alive(stream)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not spool.is_writer_alive(stream)
    assert spool.read(stream, 0, MUCH)[0] == [b"x"]


def test_a_table_that_nobody_reads_takes_no_more_than_its_share_of_the_disk(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "gateway-0", segment_bytes=100, max_backlog_bytes=1000)
    for _ in range(20):
        writer.append(TABLE, [b"x" * 42])
    with pytest.raises(spool.SpoolError, match="too much waits") as caught:
        writer.append(TABLE, [b"x" * 42])
    assert caught.value.written == 0
    assert sum(file.stat().st_size for file in tmp_path.rglob("*.seg")) == 1000
    # Another table has a share of its own.
    writer.append("main.fraud.other", [b"fine"])
    writer.close()


def test_what_former_writers_left_counts_as_well(tmp_path: Path) -> None:
    former = SpoolWriter(tmp_path, "gateway-0")
    former.append(TABLE, [b"x" * 900])
    former.close()
    writer = SpoolWriter(tmp_path, "gateway-0", max_backlog_bytes=1000)
    with pytest.raises(spool.SpoolError, match="too much waits"):
        writer.append(TABLE, [b"y" * 900])
    assert spool.release(only_stream(tmp_path), 908)
    time.sleep(1.05)
    writer.append(TABLE, [b"y" * 900])
    writer.close()


def test_a_full_table_takes_records_again_when_it_was_read(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "gateway-0", max_backlog_bytes=1000)
    writer.append(TABLE, [b"x" * 900])
    with pytest.raises(spool.SpoolError, match="too much waits"):
        writer.append(TABLE, [b"y" * 900])
    stream = only_stream(tmp_path)
    _, offset = spool.read(stream, 0, MUCH)
    # The writer has given the segment up, though it was far from full.
    spool.release(stream, offset)
    time.sleep(1.05)
    writer.append(TABLE, [b"y" * 900])
    assert spool.read(stream, offset, MUCH)[0] == [b"y" * 900]
    writer.close()
