"""`pierhead models lineage` and `pierhead models reproduce`: where a version comes from."""

import re
from typing import Any

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, show_fields, show_json
from pierhead.cli.remote import Remote, part

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@click.command("lineage")
@click.argument("name")
@click.argument("version")
@output_option
@talks_to_server
def lineage(remote: Remote, name: str, version: str, output: Format) -> None:
    """Show the run, code, environment and data that made VERSION of model NAME, and the endpoints that serve it."""
    found = _get(remote, name, version)
    if output is Format.JSON:
        show_json(found)
        return
    provenance, run, code = found["provenance"], found["run"], found["code"]
    show_fields(
        [
            ("model", f"{found['name']} version {found['version']}"),
            ("registered", f"{moment(found['registered_at'])} by {found['registered_by']}"),
            ("source", found["source"]),
            ("run", f"{run['run_id']} by {run['user']}" if run["user"] else run["run_id"]),
            ("provenance", provenance["state"]),
            ("complete since", moment(provenance.get("completed_at"))),
            ("remarks", provenance["message"]),
            *((f"data {number}", _data(each)) for number, each in enumerate(found["inputs"], 1)),
            ("code", _code(code)),
            ("environment", found["environment"]["sha256"]),
            ("endpoints", found["endpoints"]),
            ("copies", [f"{copy['name']}/{copy['version']}" for copy in found["copies"]]),
            ("record", provenance.get("record_sha256")),
        ]
    )


@click.command("reproduce")
@click.argument("name")
@click.argument("version")
@talks_to_server
def reproduce(remote: Remote, name: str, version: str) -> None:
    """Print what would rebuild the training set of VERSION of model NAME: code, environment, data.

    Fails with exit code 5 unless the record of the version's data is complete and the data is still there.
    """
    found = _get(remote, name, version)
    provenance = found["provenance"]
    if provenance["state"] != "COMPLETE":
        raise Failure(
            f"the training data of {name} version {version} is {provenance['state']}: {provenance['message']}",
            code=ExitCode.CONFLICT,
            remedy=f"pierhead models lineage {name} {version}",
        )
    for line in recipe(found):
        click.echo(line)


def recipe(found: dict[str, Any]) -> list[str]:
    """The lines of a shell session that ends in one DataFrame per training input."""
    return [
        f"# {found['name']} version {found['version']}, run {found['run']['run_id']} by {found['run']['user']}",
        f"# provenance record {found['provenance']['record_sha256']}",
        "",
        *_checkout(found["code"]),
        "",
        *_environment(found["environment"]["files"]),
        "",
        "python - <<'PYTHON'",
        "from deltalake import DeltaTable",
        "",
        *(line for number, each in enumerate(found["inputs"], 1) for line in _load(number, each)),
        "PYTHON",
        "",
        *_run(found["code"]),
    ]


def _get(remote: Remote, name: str, version: str) -> dict[str, Any]:
    found: dict[str, Any] = remote.get(f"/api/2.0/pierhead/models/{part(name)}/versions/{part(version)}/lineage")
    inner: dict[str, Any] = found["lineage"]
    return inner


def _data(each: dict[str, Any]) -> str:
    rows = "" if each["rows"] is None else f", {each['rows']} rows"
    pinned = "pinned" if each["is_pinned"] else "not pinned"
    return f"{each['table']} version {each['version']}{rows}, {pinned}, manifest {each['manifest_sha256'][:12]}"


def _code(code: dict[str, Any]) -> str | None:
    if not code:
        return None
    words = [code["source_name"], code["git_repository"], code["git_commit"]]
    return " ".join(word for word in words if word) + (" (changed since the commit)" if code["is_dirty"] else "")


def _checkout(code: dict[str, Any]) -> list[str]:
    if not _COMMIT.fullmatch(code.get("git_commit") or ""):
        return ["# The run names no commit: its code is not known."]
    dirty = (
        ["# The working copy held changes that no commit has: this is close, not equal."] if code["is_dirty"] else []
    )
    clone = (
        [f"git clone -- {_quoted(_line(code['git_repository']))} training && cd training"]
        if code["git_repository"]
        else []
    )
    return [*dirty, *clone, f"git checkout {code['git_commit']}"]


def _environment(files: dict[str, str]) -> list[str]:
    text = files.get("requirements.txt")
    if text is None:
        return ["# The model names no requirements."]
    lines = [_line(line) for line in text.splitlines()]
    end = "REQUIREMENTS"
    while end in lines:
        end += "_"
    return [f"cat > requirements.txt <<'{end}'", *lines, end, *_INSTALL]


_INSTALL = ["python -m venv .venv && . .venv/bin/activate", "pip install -r requirements.txt deltalake pandas pyarrow"]


def _load(number: int, each: dict[str, Any]) -> list[str]:
    rows = "" if each["rows"] is None else f", {each['rows']} rows"
    variable = f"training_{number}"
    return [
        f"# {_line(each['table'])} version {each['version']}{rows}, manifest {each['manifest_sha256']}",
        f"{variable} = DeltaTable({each['location']!r}, version={each['version']}).to_pandas()",
        f"print({each['dataset']!r}, {variable}.shape)",
    ]


def _run(code: dict[str, Any]) -> list[str]:
    if not code.get("source_name"):
        return ["# The run names no program that trained the model."]
    entry = f" -e {_line(code['entry_point'])}" if code.get("entry_point") else ""
    return ["# What the run says that it ran:", f"# {_line(code['source_name'])}{entry}"]


def _quoted(word: str) -> str:
    from shlex import quote

    return quote(word)


def _line(text: str) -> str:
    """Text that a run wrote, on one line and without control characters: a comment must not become a command."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
