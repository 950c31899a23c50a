"""How uv is set up and how its output is passed on."""

import doctest
from pathlib import Path

import pytest

from pierhead.serving.adapters import model_requirements, uv_output, uv_settings
from pierhead.serving.adapters.uv_output import Mask, condensed
from pierhead.serving.adapters.uv_settings import find_uv_config, parse_pip_settings, read_pip_settings

PIP = {"index-url": "https://me:pw@a.example/simple", "extra-index-url": "https://b.example/s\nhttps://c.example/s"}


@pytest.mark.parametrize(
    "module", [model_requirements, uv_output, uv_settings], ids=lambda module: module.__name__.rpartition(".")[2]
)
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_pips_indexes_become_uvs() -> None:
    environment = uv_settings.uv_settings({}, PIP, None).environment
    assert environment["UV_DEFAULT_INDEX"] == PIP["index-url"]
    assert environment["UV_INDEX"] == "https://b.example/s https://c.example/s"
    assert environment["UV_INDEX_STRATEGY"] == "unsafe-best-match"


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_a_uv_that_has_an_index_keeps_it(name: str) -> None:
    environment = uv_settings.uv_settings({name: "https://mine.example"}, PIP, None).environment
    assert environment[name] == "https://mine.example"
    assert not {"UV_DEFAULT_INDEX", "UV_INDEX"} & set(environment) - {name}


def test_a_uv_configuration_is_used_and_one_beside_the_model_is_not(tmp_path: Path) -> None:
    file = tmp_path / "uv" / "uv.toml"
    server = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    file.parent.mkdir()
    file.write_text("")
    assert find_uv_config(server) == file
    configured = uv_settings.uv_settings(server, PIP, file).environment
    assert configured["UV_CONFIG_FILE"] == str(file)
    assert "UV_DEFAULT_INDEX" not in configured
    assert uv_settings.uv_settings(server, {}, None).environment["UV_NO_CONFIG"] == "1"


def test_builds_do_not_see_the_servers_secrets() -> None:
    server = {
        "PATH": "/bin",
        "https_proxy": "p",
        "UV_CACHE_DIR": "/c",
        "PIERHEAD_SECRET": "s",
        "DATABRICKS_TOKEN": "t",
        "AWS_SECRET_ACCESS_KEY": "k",
    }
    environment = uv_settings.uv_settings(server, {}, None).environment
    assert {"PATH", "https_proxy", "UV_CACHE_DIR", "UV_LINK_MODE"} <= set(environment)
    assert not {"PIERHEAD_SECRET", "DATABRICKS_TOKEN", "AWS_SECRET_ACCESS_KEY"} & set(environment)


def test_an_operator_may_choose_the_link_mode() -> None:
    assert uv_settings.uv_settings({"UV_LINK_MODE": "copy"}, {}, None).environment["UV_LINK_MODE"] == "copy"


def test_no_index_is_a_flag() -> None:
    assert uv_settings.uv_settings({}, {"no-index": "1"}, None).install_flags == ("--no-index",)
    assert uv_settings.uv_settings({}, {"no-index": "false"}, None).install_flags == ()


def test_pips_listing_is_read_with_its_ranks_and_many_lines() -> None:
    listing = (
        "global.extra-index-url='\\nhttps://a\\nhttps://b'\ninstall.index-url='https://i'\n"
        "global.index-url='https://g'\ndownload.index-url='https://d'\nnonsense\n"
    )
    assert parse_pip_settings(listing) == {"extra-index-url": "\nhttps://a\nhttps://b", "index-url": "https://i"}


def test_without_pip_its_variables_still_count(tmp_path: Path) -> None:
    assert read_pip_settings(tmp_path / "python", {"PIP_INDEX_URL": "https://x"}) == {"index-url": "https://x"}


def test_addresses_are_masked_and_their_hosts_from_then_on() -> None:
    mask = Mask(["https://user:hush@packages.example:8443/simple"])
    assert mask.hide("cannot reach packages.example") == "cannot reach <host>"
    assert mask.hide("fetch (https://other.example/a/b.whl) failed") == "fetch (<address>) failed"
    assert mask.hide("dns: other.example") == "dns: <host>"
    assert mask.hide("+ tiny @ file:///models/code/tiny.whl") == "+ tiny @ file:///models/code/tiny.whl"


def test_an_older_uvs_drawing_is_condensed_too() -> None:
    output = [
        "Using Python 3.11.7",
        "  × No solution found when resolving dependencies:",
        "  ╰─▶ Because there is no version of numpy==99 and you require numpy==99, we can",
        "      conclude that your requirements are unsatisfiable.",
        "hint: try something else",
    ]
    what, cause = condensed(output).splitlines()
    assert what == "No solution found when resolving dependencies:"
    assert cause.startswith("Because there is no version of numpy==99 and you require numpy==99")


def test_output_without_an_error_gives_its_last_line() -> None:
    assert condensed(["one", "two", ""]) == "two"
    assert condensed([]) == "uv said nothing"


def test_condensed_output_is_bounded() -> None:
    assert max(len(line) for line in condensed(["error: " + "x" * 1000, "  cause: " + "y" * 1000]).splitlines()) <= 300
