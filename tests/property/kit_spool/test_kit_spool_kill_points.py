"""Wherever a writer dies, a reader finds a prefix of what was appended."""

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.kit import spool
from pierhead.kit.spool import SpoolWriter

records = st.binary(min_size=1, max_size=60)
batches = st.lists(st.lists(records, min_size=1, max_size=4), min_size=1, max_size=8)
TABLES = ("main.a.one", "main.a.two")


@given(batches=batches, cut=st.integers(min_value=0, max_value=400), step=st.integers(min_value=1, max_value=300))
@settings(max_examples=80, deadline=None)
def test_a_stream_cut_at_any_byte_reads_as_a_prefix_of_its_records(
    batches: list[list[bytes]], cut: int, step: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        writer = SpoolWriter(root, "g", segment_bytes=150)
        for batch in batches:
            writer.append(TABLES[0], batch)
        (stream,) = spool.streams(root, TABLES[0])
        last = spool.list_segments(stream)[-1]
        os.truncate(last.path, min(cut, last.end - last.start))
        writer.close()

        found, offset, before = [], 0, -1
        while offset != before:
            before = offset
            some, offset = spool.read(stream, offset, step)
            assert offset >= before
            found += some
        appended = [record for batch in batches for record in batch]
        assert found == appended[: len(found)]
        # Nothing that was complete on disk is missing.
        complete = last.start + min(cut, last.end - last.start)
        ends = [sum(8 + len(record) for record in appended[: n + 1]) for n in range(len(appended))]
        assert len(found) == sum(end <= complete for end in ends)
        assert spool.release(stream, offset)


@given(plan=st.lists(st.tuples(st.sampled_from((0, 1)), st.sampled_from(TABLES), records, st.booleans()), max_size=30))
@settings(max_examples=60, deadline=None)
def test_reading_and_releasing_between_writes_gives_every_record_once(
    plan: list[tuple[int, str, bytes, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        writers = [SpoolWriter(root, "g", segment_bytes=100) for _ in range(2)]
        appended: dict[tuple[str, str], list[bytes]] = {}
        found: dict[tuple[str, str], list[bytes]] = {}
        offsets: dict[tuple[str, str], int] = {}

        def read_all() -> None:
            for table in spool.tables(root):
                for stream in spool.streams(root, table):
                    key = (table, stream.name)
                    some, offset = spool.read(stream, offsets.get(key, 0), 1000)
                    assert offset >= offsets.get(key, 0)
                    assert spool.lost_bytes(offsets.get(key, 0), some, offset) == 0
                    found.setdefault(key, []).extend(some)
                    offsets[key] = offset
                    spool.release(stream, offset)

        for writer, table, record, reads_now in plan:
            writers[writer].append(table, [record])
            appended.setdefault((table, writers[writer].stream_name), []).append(record)
            if reads_now:
                read_all()
        for each in writers:
            each.close()
        for _ in range(5):
            read_all()
        assert found == appended
        assert all(spool.streams(root, table) == [] for table in spool.tables(root))
