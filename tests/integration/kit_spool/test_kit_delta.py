"""Appends that carry their own position."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pierhead.kit import delta
from pierhead.kit.delta import AppendTable, Batch

SCHEMA = pa.schema([("n", pa.int64())])


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": values}, schema=SCHEMA)


def rows_in(path: Path) -> list[int]:
    found = DeltaTable(path).to_pyarrow_table()["n"].to_pylist()
    return sorted(found)


def test_a_version_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "main" / "s" / "t"
    assert delta.last_version(path, "job") is None
    assert delta.append(path, numbers(1), app_id="job", version=3)
    assert not delta.append(path, numbers(1), app_id="job", version=3)
    assert not delta.append(path, numbers(2), app_id="job", version=2)
    assert delta.append(path, numbers(4), app_id="job", version=4)
    assert rows_in(path) == [1, 4]
    assert delta.last_version(path, "job") == 4
    assert delta.last_version(path, "another job") is None


def test_several_sources_share_a_commit(tmp_path: Path) -> None:
    table = AppendTable(tmp_path / "t", SCHEMA)
    table.append([Batch("a", 0, 10, numbers(1)), Batch("b", 0, 20, numbers(2))])
    assert (table.version, table.position("a"), table.position("b")) == (1, 10, 20)


def test_of_two_writers_with_the_same_rows_one_wins(tmp_path: Path) -> None:
    one, two = AppendTable(tmp_path / "t", SCHEMA), AppendTable(tmp_path / "t", SCHEMA)
    one.append([Batch("a", 0, 1, numbers(0))])
    assert two.position("a") == 1
    first = Batch("a", 1, 2, numbers(1))
    assert one.append([first]) == [first]
    mine = Batch("b", 0, 1, numbers(2))
    assert two.append([Batch("a", 1, 2, numbers(1)), mine]) == [mine]
    assert rows_in(tmp_path / "t") == [0, 1, 2]


def test_a_batch_that_starts_elsewhere_than_the_table_ends_does_not_count(tmp_path: Path) -> None:
    table = AppendTable(tmp_path / "t", SCHEMA)
    table.append([Batch("a", 0, 5, numbers(1))])
    assert table.append([Batch("a", 3, 9, numbers(2))]) == []
    assert rows_in(tmp_path / "t") == [1]


def test_a_batch_without_rows_moves_the_position(tmp_path: Path) -> None:
    table = AppendTable(tmp_path / "t", SCHEMA)
    table.append([Batch("a", 0, 5, numbers())])
    assert delta.last_version(tmp_path / "t", "a") == 5


def test_batches_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    table = AppendTable(tmp_path / "t", SCHEMA)
    for batches in ([Batch("a", 5, 5, numbers())], [Batch("a", 0, 1, numbers()), Batch("a", 1, 2, numbers())]):
        with pytest.raises(ValueError, match="batches"):
            table.append(batches)


def test_many_writers_that_start_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t"

    def write(source: int) -> int:
        return sum(
            delta.append(path, numbers(source * 100 + v), app_id=f"s{source % 2}", version=v) for v in range(1, 6)
        )

    with ThreadPoolExecutor(4) as pool:
        written = sum(pool.map(write, range(4)))
    rows = rows_in(path)
    assert len(rows) == written
    for source in (0, 1):
        assert sorted(row % 100 for row in rows if row // 100 % 2 == source) == [1, 2, 3, 4, 5]
    assert {delta.last_version(path, f"s{n}") for n in (0, 1)} == {5}


def test_a_table_deleted_under_its_writer_is_made_again_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "t"
    table = AppendTable(path, SCHEMA)
    table.append([Batch("a", 0, 5, numbers(1))])
    path.rename(tmp_path / "elsewhere")
    table.reopen()
    assert table.position("a") == 0
    table.append([Batch("a", 0, 5, numbers(2))])
    assert rows_in(path) == [2]


def test_positions_and_rows_survive_upkeep(tmp_path: Path) -> None:
    table = AppendTable(tmp_path / "t", SCHEMA, {"delta.logRetentionDuration": "interval 0 seconds"})
    for number in range(5):
        table.append([Batch("a", number, number + 1, numbers(number))])
    table.compact(1_000_000)
    table.checkpoint()
    table.vacuum()
    opened = DeltaTable(tmp_path / "t")
    assert (rows_in(tmp_path / "t"), opened.transaction_version("a")) == ([0, 1, 2, 3, 4], 5)
    assert len(opened.file_uris()) == 1
    table.append([Batch("a", 5, 6, numbers(5))])
    assert rows_in(tmp_path / "t") == [0, 1, 2, 3, 4, 5]


def test_every_engine_may_read_what_we_write(tmp_path: Path) -> None:
    delta.append(tmp_path / "t", numbers(1), app_id="a", version=1)
    delta.append(tmp_path / "t", numbers(2), app_id="a", version=2)
    table = DeltaTable(tmp_path / "t")
    protocol = table.protocol()
    assert (protocol.min_reader_version, protocol.reader_features) == (1, None)
    changes = table.load_cdf(starting_version=2).read_all()
    assert (changes["n"].to_pylist(), changes["_change_type"].to_pylist()) == ([2], ["insert"])


def test_only_folders_with_a_log_are_tables(tmp_path: Path) -> None:
    delta.append(tmp_path / "c" / "s" / "t", numbers(1), app_id="a", version=1)
    (tmp_path / "c" / "s" / "empty" / "_delta_log").mkdir(parents=True)
    assert list(delta.find_tables(tmp_path, 3)) == [tmp_path / "c" / "s" / "t"]


def test_a_broken_log_is_an_error_of_one_line(tmp_path: Path) -> None:
    log = tmp_path / "t" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{broken")
    with pytest.raises(delta.DELTA_ERRORS) as caught:
        delta.find_table(tmp_path / "t")
    assert "\n" not in delta.first_line(caught.value)
