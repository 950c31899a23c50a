"""What MLflow says that its registry client does, seen through the http door.

A lead tries it on models of their own, under the policy `solo`: what the gate refuses is another file's matter.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from harness.platform import Platform

LEAD = "scenario-lead"
INVALID, MISSING = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"
TAKEN, DENIED = "RESOURCE_ALREADY_EXISTS", "PERMISSION_DENIED"


@pytest.fixture(scope="module")
def seen(platform: Platform) -> Iterator[dict[str, Any]]:
    for command in (("policies", "use", "solo"), ("users", "create", LEAD, "--group", "ml-leads")):
        done = platform.cli(*command)
        assert done.returncode == 0, done.stderr
    try:
        yield platform.run_client("registry_scenarios.py", user=LEAD)
    finally:
        assert platform.cli("policies", "use", "default").returncode == 0


def test_a_model_is_made_once_with_what_was_said_of_it(seen: dict[str, Any]) -> None:
    assert seen["creating"] == {
        "made": ["main.scenarios.created", {"team": "risk", "level": "3"}, "what it is for", {}, []],
        "same": [True, True],
        "again": TAKEN,
        "refused": [INVALID] * 4,
        "reserved tag": DENIED,
    }


def test_a_renamed_model_takes_everything_along_and_leaves_its_old_name_free(seen: dict[str, Any]) -> None:
    assert seen["renaming"] == {
        "refused": [TAKEN, MISSING, INVALID],
        "moved": ["main.scenarios.new", {"team": "risk"}, {"best": "2"}, ["1", "2"]],
        "version": {"seen": "yes"},
        "old": [MISSING, []],
        "old again": [{}, []],
    }


def test_descriptions_can_be_written_again_and_emptied(seen: dict[str, Any]) -> None:
    assert seen["describing"] == {
        "seen": [["first"] * 2, ["second\nline"] * 2, [""] * 2],
        "is touched": True,
        "refused": [MISSING] * 2,
    }


def test_a_deleted_version_takes_its_alias_along_and_leaves_its_number_to_nobody(seen: dict[str, Any]) -> None:
    assert seen["deleting"] == {
        "without": [{}, ["1", "3"]],
        "next number": "4",
        "refused": [MISSING] * 4,
        "gone": [MISSING] * 5,
        "anew": "1",
    }


def test_tags_are_overwritten_and_deleted_one_by_one(seen: dict[str, Any]) -> None:
    assert seen["tagging"] == {
        "model": {"plain": "again", "with/slash": "3", "with space": "4"},
        "version": {"plain": "7", "with.dot": "2", "with/slash": "3"},
        "other version": {},
        "absent tag": ["", ""],
        "no such thing": [MISSING] * 4,
        "refused": [INVALID] * 6,
        "reserved": DENIED,
    }


def test_an_alias_names_one_version_at_a_time(seen: dict[str, Any]) -> None:
    assert seen["naming"] == {
        "first": ["1", ["best", "second"], []],
        "moved": ["2", ["second"], ["best"]],
        "left": {"best": "2"},
        "no such alias": [INVALID, ""],
        "no such thing": [MISSING] * 3,
        "refused": [INVALID] * 8,
    }


def test_a_version_keeps_what_was_said_of_it_and_sources_elsewhere_are_refused(seen: dict[str, Any]) -> None:
    made = ["main.scenarios.registered", "1", "READY", "None", {"auc": "0.9"}, "https://runs.example/1", "first of all"]
    assert seen["registering"] == {
        "made": made,
        "origin": [True, True, []],
        "twin": ["2", {}, ""],
        "refused": [INVALID, INVALID, INVALID, INVALID, MISSING],
        "no number": [INVALID] * 4,
        "stages": ["None", "Staging", "Production", "Archived"],
    }


def test_models_are_found_by_name_and_tag_in_the_order_asked_for_page_by_page(seen: dict[str, Any]) -> None:
    assert seen["finding_models"] == {
        "=": ["alpha"],
        "= in other case": [],
        "!=": ["50%_off", "Beta", "gamma"],
        "LIKE": ["Beta"],
        "LIKE in other case": [],
        "ILIKE": ["Beta", "alpha", "gamma"],
        "a percent sign": ["50%_off"],
        "tag =": ["Beta", "alpha"],
        # Who has no such tag is not found by `!=` either.
        "tag !=": ["gamma"],
        "tag LIKE": ["gamma"],
        "tag ILIKE": ["Beta", "alpha"],
        "two tags": ["Beta"],
        "none": [],
        "name DESC": ["gamma", "alpha", "Beta", "50%_off"],
        "touched last": ["alpha", "gamma"],
        "made first": ["alpha", "Beta", "gamma", "50%_off"],
        "pages": [["gamma", "alpha", "Beta"], ["50%_off"]],
        "refused": [INVALID] * 5,
        "bad order": [INVALID] * 3,
        "bad page": [INVALID] * 4,
    }


def test_versions_are_found_by_model_run_source_number_and_tag(seen: dict[str, Any]) -> None:
    found = seen["finding_versions"]
    assert (found.pop("refused"), found.pop("bad order"), found.pop("bad page")) == (
        [INVALID] * 5,
        INVALID,
        [INVALID] * 3,
    )
    assert found == {
        "name =": ["one/1", "one/2", "one/3"],
        "name !=": ["two/2"],
        "name IN": ["one/3", "one/2", "one/1", "two/2"],
        "run_id =": ["two/2"],
        "run_id IN": ["two/2"],
        "source_path =": ["two/2"],
        "version_number": ["one/2"],
        "tag =": ["two/2"],
        "tag !=": ["one/2"],
        "none": [],
        "pages": [["3", "2"], ["1", "2"], ["1"]],
        "newest first": [["3", "2"], ["1"]],
    }


def test_the_latest_version_of_a_stage_is_the_one_with_the_highest_number(seen: dict[str, Any]) -> None:
    everywhere = {"Staging": "2", "Production": "3", "None": "5"}
    assert seen["latest"] == {
        "all": everywhere,
        "one": {"Staging": "2"},
        "in any case": {"Production": "3", "None": "5"},
        "in none": {},
        "of the model": everywhere,
        "without versions": [],
        "refused": [INVALID, MISSING],
    }


def test_a_transition_archives_who_was_there_only_if_asked_to(seen: dict[str, Any]) -> None:
    assert seen["moving"] == {
        "named": ["Staging", "Archived", "None", "Staging", "Staging"],
        "beside": {"1": "Staging", "2": "Staging", "3": "None", "4": "None"},
        "instead": {"1": "Archived", "2": "Archived", "3": "Staging", "4": "None"},
        "in the end": {"1": "None", "2": "Archived", "3": "Archived", "4": "Production"},
        "is touched": True,
        "refused": [INVALID] * 3,
        "no such thing": [MISSING] * 2,
    }


def test_a_copy_has_files_tags_and_run_of_its_original_but_no_alias_and_no_stage(seen: dict[str, Any]) -> None:
    copies = seen["copying"]
    *unfetched, bad_name = copies.pop("refused")
    # The client wraps these three, and forgets their codes.
    assert (all(unfetched), bad_name) == (True, INVALID)
    original = "models:/main.scenarios.original"
    assert copies == {
        "first": ["1", f"{original}/1", "the first", {"seen": "yes"}, True],
        "not copied": [[], "None"],
        "second": ["2", f"{original}/1"],
        "staged": ["3", f"{original}/1"],
        "again": ["main.copies.again", "1", "models:/main.copies.target/1", True],
        "inside": ["3", f"{original}/2"],
        "weights": "first",
    }


def test_what_is_downloaded_is_what_was_registered(seen: dict[str, Any]) -> None:
    assert seen["downloading"] == {"texts": ["first", "second"], "by alias": "second", "refused": [MISSING] * 2}
