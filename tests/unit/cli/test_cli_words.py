"""What the command line reads and writes, without a server."""

import configparser
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from pierhead.cli.configuration import mask, origin_of
from pierhead.cli.endpoint_configs import capture_of, read_body
from pierhead.cli.exports import client_variables, export_lines
from pierhead.cli.output import table_lines
from pierhead.cli.profiles import find_profile, with_section
from pierhead.cli.remote import is_loopback
from pierhead.cli.waiting import progress_of

_NASTY = "a'b\"c$HOME`id`\\d e"


def test_a_shell_reads_back_exactly_the_value() -> None:
    script = "\n".join([*export_lines({"X": _NASTY}, "bash"), 'printf %s "$X"'])
    assert subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout == _NASTY


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_reads_back_exactly_the_value() -> None:
    script = "\n".join([*export_lines({"X": _NASTY}, "fish"), "printf %s $X"])
    assert subprocess.run(["fish", "-c", script], capture_output=True, text=True, check=True).stdout == _NASTY


def test_powershell_quotes_are_doubled() -> None:
    assert export_lines({"X": "it's"}, "powershell") == ["$Env:X = 'it''s'"]


def test_the_exports_are_those_of_the_official_clients() -> None:
    assert client_variables("http://h:1", "phd_x") == {
        "DATABRICKS_HOST": "http://h:1",
        "DATABRICKS_TOKEN": "phd_x",
        "MLFLOW_TRACKING_URI": "http://h:1",
        "MLFLOW_TRACKING_TOKEN": "phd_x",
    }


@pytest.mark.parametrize(
    "before",
    [
        "",
        "[DEFAULT]\nhost = https://work\ntoken = t\n",
        "; a comment\n[pierhead]\nhost = old\nextra = gone\n[other]\n# kept\nhost = y\n",
        "[other]\nhost = y",
    ],
)
def test_a_profile_is_written_and_all_others_stay(before: str, tmp_path: Path) -> None:
    text = with_section(before, "pierhead", {"host": "http://h:1", "token": "phd_x"})
    path = tmp_path / "cfg"
    path.write_text(text)
    found = find_profile("pierhead", path)
    assert found is not None
    assert (found["host"], found["token"]) == ("http://h:1", "phd_x")
    assert "extra" not in found
    earlier, later = configparser.ConfigParser(), configparser.ConfigParser()
    earlier.read_string(before)
    later.read_string(text)
    assert later.defaults() == earlier.defaults()
    for section in set(earlier.sections()) - {"pierhead"}:
        assert later[section] == earlier[section]
    assert [line for line in before.splitlines() if line.startswith((";", "#"))] == [
        line for line in text.splitlines() if line.startswith((";", "#"))
    ]


def test_the_default_profile_can_be_written() -> None:
    assert with_section("[a]\nx = 1\n", "DEFAULT", {"host": "h"}) == "[a]\nx = 1\n\n[DEFAULT]\nhost = h\n"


def test_no_cell_of_a_table_is_cut() -> None:
    assert table_lines(["A", "B"], [["x" * 200, ["p", "q"]]])[1] == "x" * 200 + "  p, q"


def test_a_capture_needs_catalog_and_schema() -> None:
    assert capture_of("c.s") == {"catalog_name": "c", "schema_name": "s", "enabled": True}
    for wrong in ("c", "c.", "a.b.c.d"):
        with pytest.raises(click.UsageError):
            capture_of(wrong)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"config": {"served_entities": [{"entity_name": "m"}]}}'),
        ("b.json", '{"served_entities": [{"entity_name": "m"}]}'),
        ("c.yaml", "served_entities:\n- entity_name: m\n"),
    ],
)
def test_a_file_holds_the_request_or_its_config(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_body(tmp_path / name) == {"config": {"served_entities": [{"entity_name": "m"}]}}


@pytest.mark.parametrize("text", ["[1]", "{", "{}", '{"config": 1}'])
def test_a_file_that_is_no_request_is_a_usage_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(click.UsageError, match=r"a\.json"):
        read_body(tmp_path / "a.json")


def test_an_endpoint_that_updates_is_not_ready_even_if_the_old_config_serves() -> None:
    endpoint = {"state": {"ready": "READY", "config_update": "IN_PROGRESS"}}
    assert not progress_of(endpoint).is_ready
    assert not progress_of(endpoint).has_failed


def test_a_failed_update_tells_the_servers_reason() -> None:
    state = {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": "no module named x"}
    endpoint = {
        "state": {"ready": "NOT_READY", "config_update": "UPDATE_FAILED"},
        "pending_config": {"served_entities": [{"name": "m-1", "state": state}]},
    }
    assert progress_of(endpoint).has_failed
    assert progress_of(endpoint).story == "m-1: failed, no module named x"


def test_the_origin_of_a_setting_is_the_strongest_place_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "pierhead.toml"
    file.write_text("port = 1\ngateways = 2\n")
    environment = {"PIERHEAD_PORT": "2", "pierhead_host": "::1", "PIERHEAD_QUEUE_LIMIT": ""}
    assert origin_of("home", {"home"}, {"PIERHEAD_HOME": "x"}, file) == "flag"
    assert origin_of("port", set(), environment, file) == "env PIERHEAD_PORT"
    assert origin_of("host", set(), environment, file) == "env pierhead_host"
    assert origin_of("gateways", set(), environment, file) == f"file {file}"
    assert origin_of("queue_limit", set(), environment, file) == "default"


def test_passwords_in_addresses_are_hidden() -> None:
    assert mask("postgresql://me:s3cret@db/x") == "postgresql://me:***@db/x"
    assert mask("postgresql://db/x?user=me&password=s3cret&a=b") == "postgresql://db/x?user=me&password=***&a=b"
    assert mask("sqlite:///x.db") == "sqlite:///x.db"


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:5050", "http://127.9.9.9", "http://localhost:1", "https://[::1]:80"]
)
def test_this_machine_is_reached_without_a_proxy(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["http://localhost.evil.com", "http://127.evil.com", "http://localhost@evil.com", "http://[::1", "http://"]
)
def test_a_name_that_only_begins_like_this_machines_is_another_machine(host: str) -> None:
    assert not is_loopback(host)
