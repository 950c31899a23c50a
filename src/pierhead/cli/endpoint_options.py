"""Options of the commands that give an endpoint its config, and of those that wait for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_DEFAULT_TIMEOUT_S = 1200.0

timeout_option = click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0), default=_DEFAULT_TIMEOUT_S, help="Longest wait, seconds."
)
_OPTIONS = (
    click.option("--model", help="Registered model, catalog.schema.model."),
    click.option("--version", help="Version of the model."),
    click.option(
        "--size", type=click.Choice(["Small", "Medium", "Large"]), help="Workload size [Small; in an update as it was]."
    ),
    click.option(
        "--scale-to-zero/--no-scale-to-zero",
        default=None,
        help="Whether idle workers may be stopped [yes; in an update as it was].",
    ),
    click.option(
        "--file", type=click.Path(path_type=Path, dir_okay=False), help="Request body or its config, JSON or YAML."
    ),
    click.option("--capture", help="Inference table to log to: catalog.schema[.prefix]."),
    click.option("--wait", "is_wait", is_flag=True, help="Return when the endpoint is ready."),
    timeout_option,
)


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What `create` and `update` have in common."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def comes_from_file(given: dict[str, Any]) -> bool:
    """Whether the config is that of --file instead of --model and --version. Raises UsageError if neither."""
    if given["file"] is not None and (given["model"] or given["version"]):
        raise click.UsageError("give either --file, or --model with --version")
    if given["file"] is None and not (given["model"] and given["version"]):
        raise click.UsageError("give --model and --version, or --file")
    return given["file"] is not None
