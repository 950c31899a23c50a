from typing import Any

import pytest

from fakes.runs import an_input
from pierhead.registry.domain.training_inputs import read_claims


@pytest.mark.parametrize("context", ["training", "train", "fit"])
def test_training_goes_by_three_names(context: str) -> None:
    read = read_claims([an_input(context=context, path="/data/t", delta_table_version=0)])

    assert [(str(claim.table), claim.version) for claim in read.claims] == [("/data/t", 0)]


def test_other_contexts_are_no_training_data() -> None:
    read = read_claims([an_input(context=context, source_type="http", url="x") for context in ("eval", "", "testing")])

    assert (read.claims, read.flaws) == ((), ())


@pytest.mark.parametrize("version", [True, False, -1, 1.0, "1", [1]])
def test_what_is_no_number_is_no_version(version: Any) -> None:
    read = read_claims([an_input(path="/data/t", delta_table_version=version)])

    assert read.claims == ()
    assert "a version is a number from 0" in read.flaws[0].message


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"path": "data/t", "delta_table_version": 0}, "not absolute"),
        ({"path": "s3://bucket/t", "delta_table_version": 0}, "on its own disks only"),
        ({"path": "file://host/t", "delta_table_version": 0}, "on its own disks only"),
        ({"path": "/a\0b", "delta_table_version": 0}, "not absolute"),
        ({"delta_table_name": "two.parts", "delta_table_version": 0}, "names no table"),
        ({"delta_table_name": "a.b.c", "path": "/t", "delta_table_version": 0}, "in one way"),
        ({"delta_table_version": 0}, "in one way"),
        ({"path": 3}, "in one way"),
    ],
)
def test_a_table_must_be_named_so_that_the_server_can_open_it(source: dict[str, Any], reason: str) -> None:
    read = read_claims([an_input(**source)])

    assert reason in read.flaws[0].message


def test_data_without_versions_is_refused_and_code_does_not_count() -> None:
    read = read_claims([an_input("a", source_type="http", url="x"), an_input("b", source_type="code", context="train")])

    assert [flaw.message for flaw in read.flaws] == [
        "input 'a' is a 'http', which has no version that could be kept; use a Delta table"
    ]
    assert read.notes == ("input 'b' names code and no data, so it does not count",)


def test_one_version_that_is_logged_twice_is_one_claim() -> None:
    twice = [an_input(name, delta_table_name="`a`.`b`.`c`", delta_table_version=3) for name in ("x", "y")]

    assert [(str(claim.table), claim.version) for claim in read_claims(twice).claims] == [("a.b.c", 3)]


def test_only_the_same_table_makes_up_for_a_missing_version() -> None:
    read = read_claims(
        [an_input(delta_table_name="a.b.c"), an_input("other", delta_table_name="a.b.d", delta_table_version=0)]
    )

    assert [flaw.table for flaw in read.flaws] == ["a.b.c"]


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_a_source_that_is_no_object_is_refused(text: str) -> None:
    from dataclasses import replace

    assert "no JSON object" in read_claims([replace(an_input(), source=text)]).flaws[0].message
