"""Old versions of a table: what identifies one, and what keeps it readable."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pierhead.kit.delta_versions import NoSuchVersion, newest_version, read_version, tidy_log

LATER = datetime.now(UTC) + timedelta(days=1)


def rewrite(path: Path, *numbers: int) -> None:
    for number in numbers:
        write_deltalake(path, pa.table({"a": [number]}), mode="overwrite")


def rows_in(path: Path, version: int | None = None) -> list[int]:
    found: list[int] = DeltaTable(path, version=version).to_pyarrow_table()["a"].to_pylist()
    return found


def log_of(path: Path) -> list[str]:
    return sorted(file.name.lstrip("0") for file in (path / "_delta_log").glob("0*"))


def test_a_version_is_known_by_its_files_and_its_schema(tmp_path: Path) -> None:
    rewrite(tmp_path / "t", 1, 1)
    write_deltalake(tmp_path / "t", pa.table({"a": [2, 3]}), mode="append")
    first, second, third = (read_version(tmp_path / "t", version) for version in range(3))

    assert [each.rows for each in (first, second, third)] == [1, 1, 3]
    assert len({each.manifest_sha256 for each in (first, second, third)}) == 3
    assert len({each.schema_sha256 for each in (first, second, third)}) == 1
    assert len({each.table_id for each in (first, second, third)}) == 1
    assert read_version(tmp_path / "t", 0) == first


def test_partitions_and_odd_values_of_them_are_found(tmp_path: Path) -> None:
    rows = pa.table({"a": [1, 2, 3], "p": ["x y", "ä/b", "50%"]})
    write_deltalake(tmp_path / "t", rows, partition_by=["p"])

    assert read_version(tmp_path / "t", 0).rows == 3


@pytest.mark.parametrize("version", [-1, 1, 2**31, 2**62])
def test_a_version_that_does_not_exist_is_refused_at_once(tmp_path: Path, version: int) -> None:
    rewrite(tmp_path / "t", 1)

    with pytest.raises(NoSuchVersion, match="its newest is 0"):
        read_version(tmp_path / "t", version)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken" / "_delta_log").mkdir(parents=True)
    (tmp_path / "broken" / "_delta_log" / f"{0:020}.json").write_text("{}")

    for name in ("none", "broken"):
        with pytest.raises(NoSuchVersion, match=name):
            newest_version(tmp_path / name)


def test_tidying_keeps_what_readers_of_kept_versions_need(tmp_path: Path) -> None:
    path = tmp_path / "t"
    rewrite(path, 0, 1, 2)
    DeltaTable(path).create_checkpoint()
    rewrite(path, 3, 4)
    DeltaTable(path).create_checkpoint()
    rewrite(path, 5)

    tidy_log(path, [1, 3], LATER)

    assert log_of(path) == sorted(
        [".json", "1.json", "2.checkpoint.parquet", "2.json", "3.json", "4.checkpoint.parquet", "4.json", "5.json"]
    )
    assert [rows_in(path, version) for version in (1, 3, None)] == [[1], [3], [5]]
    rewrite(path, 6)
    assert rows_in(path) == [6]
    assert newest_version(path) == 6


def test_tidying_takes_old_files_alone_and_none_without_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "t"
    rewrite(path, 0, 1)
    tidy_log(path, [], LATER)
    assert rows_in(path, 0) == [0]

    DeltaTable(path).create_checkpoint()
    tidy_log(path, [], LATER - timedelta(days=2))
    assert rows_in(path, 0) == [0]

    tidy_log(path, [], LATER)
    assert log_of(path) == ["1.checkpoint.parquet", "1.json"]
