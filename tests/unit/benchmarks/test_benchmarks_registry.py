"""What the benchmark of the registry says of its readings, and what it fills a registry with."""

from collections import Counter

import pytest
from benchmarks.registry import Timing, _refuse_wrong, _verdict
from benchmarks.registry_calls import reads
from benchmarks.registry_rows import _stage, name_of
from benchmarks.tables import in_columns, in_markdown

from pierhead.registry.domain.stages import Stage


def timing(p95_ms: float, *, title: str = "get", has_target: bool = True) -> Timing:
    return Timing("admin", title, 300, 1.25, p95_ms, 60, 1500, has_target)


def test_a_verdict_names_what_is_slow_and_leaves_out_what_was_not_promised() -> None:
    whole = timing(500, title="everything", has_target=False)
    assert _verdict([timing(20), timing(40, title="search"), whole]).endswith("the slowest is search: 40.0 ms")
    assert _verdict([timing(20), timing(50, title="search")]) == "p95 not below 50 ms: search for admin"


def test_a_row_has_milliseconds_and_kilobytes() -> None:
    assert timing(20).cells == ("admin", "get", "300", "1.2", "20.0", "60.0", "2")


def test_an_answer_of_the_wrong_size_is_no_reading() -> None:
    read = next(read for read in reads(2000, 10_000, "token") if read.title == "latest versions")
    _refuse_wrong("admin", read, b'{"model_versions": [1, 2, 3, 4]}')
    with pytest.raises(RuntimeError, match="latest versions for admin: found 1, not 4"):
        _refuse_wrong("admin", read, b'{"model_versions": [1]}')


def test_the_models_lie_in_4_catalogs_of_5_schemas() -> None:
    places = Counter(name_of(number).rpartition(".")[0] for number in range(2000))
    assert (len(places), set(places.values())) == (20, {100})


def test_one_version_of_the_deep_model_is_in_production() -> None:
    stages = Counter(_stage(version, 10_000) for version in range(1, 10_001))
    assert (stages[Stage.PRODUCTION], stages[Stage.STAGING]) == (1, 1)
    assert stages[Stage.ARCHIVED] > 900


def test_tables_are_aligned_for_a_terminal_and_for_markdown() -> None:
    assert in_columns(("name", "n"), [("a", "100")]) == ["name    n", "   a  100"]
    assert in_markdown(("name", "n"), [("a", "1")], left=1) == ["| name | n |", "|---|---:|", "| a | 1 |"]
