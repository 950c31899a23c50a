"""`pierhead config`: what is set, and where."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from pierhead.cli.options import home_option, load_settings, output_option
from pierhead.cli.output import Format, show_json, show_table


@click.group()
def config() -> None:
    """Settings: show."""


@config.command("show")
@home_option
@click.option("--origin", is_flag=True, help="Say where each value comes from: flag, environment, file or default.")
@output_option
def show_config(home: Path | None, origin: bool, output: Format) -> None:
    """Print the settings in force; flags over environment over HOME/pierhead.toml over defaults."""
    settings = load_settings(home=home)
    file = settings.home / "pierhead.toml"
    flags = {"home"} if home is not None else set()
    values = {name: mask(getattr(settings, name)) for name in type(settings).model_fields}
    origins = {name: origin_of(name, flags, os.environ, file) for name in values}
    if output is Format.JSON:
        shown = {name: {"value": values[name], "origin": origins[name]} for name in values} if origin else values
        show_json(shown)
        return
    headings = ["SETTING", "VALUE", *(["ORIGIN"] if origin else [])]
    rows = [(name, value, *([origins[name]] if origin else [])) for name, value in values.items()]
    show_table(headings, rows, empty="")


def origin_of(name: str, flags: set[str], environment: Mapping[str, str], file: Path) -> str:
    """Where the value of a setting comes from."""
    if name in flags:
        return "flag"
    for variable, value in environment.items():
        if value and variable.upper() == f"PIERHEAD_{name.upper()}":
            return f"env {variable}"
    return f"file {file}" if name in _written(file) else "default"


def mask(value: Any) -> Any:
    """A value that may be shown: passwords in addresses are hidden.

    >>> mask("postgresql://me:secret@db/x")
    'postgresql://me:***@db/x'
    """
    if value is not None and not isinstance(value, str | int | float):
        # A path, or a secret, which shows itself as stars.
        return str(value)
    if not isinstance(value, str) or "://" not in value:
        return value
    password = urlsplit(value).password
    shown = value.replace(f":{password}@", ":***@", 1) if password else value
    return re.sub(r"(password=)[^&]+", r"\1***", shown)


def _written(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
