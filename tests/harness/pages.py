"""Reference pages that are written from the code: `PYTHONPATH=tests python -m harness.pages` writes them anew."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from pierhead.cli.failures import ExitCode
from pierhead.cli.main import main
from pierhead.kit import errors
from pierhead.kit.settings import Settings
from pierhead.kit.web.errors import status_of
from pierhead.wiring.own_api.descriptions import Operation, topics

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def cli_page() -> str:
    lines = [
        "# Command line",
        "",
        "`pierhead NOUN VERB`. Results go to standard output, everything else to standard error; `-o json` prints the",
        "body of the REST answer. Commands that talk to a platform find it by `--home`, by a profile (`-p`), or by",
        "`DATABRICKS_HOST` and `DATABRICKS_TOKEN`.",
        "",
        "## Exit codes",
        "",
        "| code | means |",
        "|---|---|",
        *(f"| {code.value} | {code.name.lower().replace('_', ' ')} |" for code in ExitCode),
        "",
        "## Commands",
        "",
    ]
    for path, command in _commands("pierhead", main):
        lines += [f"### `{path}`", "", command.get_short_help_str(400), ""]
        for parameter in command.params:
            record = parameter.get_help_record(click.Context(command))
            if record is not None and "--help" not in record[0]:
                lines.append(f"- `{record[0]}` {record[1]}".rstrip())
        if lines[-1]:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _commands(f"{path} {name}", found)


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "A flag of `pierhead up` wins over the environment, which wins over `pierhead.toml` in the home, which",
        "wins over the default. `pierhead config show --origin` prints what is in force and where it came from.",
        "",
        "| in `pierhead.toml` | in the environment | default | what it is |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = str(field.default) or "(empty)"
        lines.append(f"| `{name}` | `PIERHEAD_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    lines = [
        "# Errors",
        "",
        'Every failure is `{"error_code": ..., "message": ...}`. The message names the thing, the fact and the remedy.',
        "",
        "| status | error_code | means |",
        "|---|---|---|",
    ]
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not errors.PierheadError]
    for kind in sorted(kinds, key=lambda kind: (status_of(kind()), kind.code)):
        lines.append(f"| {status_of(kind())} | `{kind.code}` | {(kind.__doc__ or '').splitlines()[0]} |")
    return "\n".join(lines) + "\n"


def api_page() -> str:
    lines = [
        "# Pierhead's own calls",
        "",
        "What the official clients have no method for. All that begin without a slash lie under `/api/2.0/pierhead/`,",
        'take the same token, answer JSON unless something else is said, and fail with `{"error_code", "message"}`. A',
        "place is a stage, or an alias after an `@`. The CLI is a client of these.",
        "",
        "`GET openapi` answers all of this as an OpenAPI 3.1 document, with the types of what is sent and answered and",
        "with the errors. A `*` stands behind what must be there; every time is in milliseconds since 1970.",
    ]
    for topic in topics():
        lines += ["", f"## {topic.title}", "", "| call | what it does | who may |", "|---|---|---|"]
        lines += [
            f"| {_call(each)} | {' '.join(filter(None, (each.summary, each.note)))} | {each.right} |"
            for each in topic.operations
        ]
    return "\n".join(lines) + "\n"


def _call(operation: Operation) -> str:
    query = "&".join(f"{name}=" for name in operation.query)
    body = f" `{{{', '.join(operation.body)}}}`" if operation.body else ""
    return f"`{operation.method} {operation.short_path}{'?' * bool(query)}{query}`{body}"


PAGES: dict[str, Callable[[], str]] = {
    "api.md": api_page,
    "cli.md": cli_page,
    "settings.md": settings_page,
    "errors.md": errors_page,
}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (REFERENCE / page).write_text(write())
