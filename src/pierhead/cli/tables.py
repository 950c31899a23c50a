"""`pierhead tables`: Delta tables in the catalog."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.home_identities import open_home
from pierhead.cli.options import home_option, load_settings, output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.remote import Remote, part

if TYPE_CHECKING:
    from pierhead.catalog.domain.pins import BrokenPin

_ROOT = "/api/2.1/unity-catalog"


@click.group()
def tables() -> None:
    """Delta tables: list show inference register vacuum verify-pins."""


@tables.command("list")
@click.argument("place", required=False)
@output_option
@talks_to_server
def list_tables(remote: Remote, place: str | None, output: Format) -> None:
    """List tables: of a catalog, of one schema (PLACE is catalog.schema), or of all catalogs."""
    catalog, _, schema = (place or "").partition(".")
    body = {"tables": [table for name in _catalogs(remote, catalog) for table in _of(remote, name, schema)]}
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["NAME", "TYPE"],
        [(table["full_name"], table["table_type"]) for table in body["tables"]],
        empty="No tables. `pierhead tables register NAME PATH` makes one known.",
    )


@tables.command("show")
@click.argument("name")
@click.option("--rows", type=click.IntRange(1, 1000), help="Show its newest rows instead, at most so many.")
@click.option(
    "--shape", type=click.Choice(["legacy", "gateway", "unity"]), help="Of a payload table: as another release."
)
@output_option
@talks_to_server
def show(remote: Remote, name: str, rows: int | None, shape: str | None, output: Format) -> None:
    """Show one table: where it lies, its newest version, its columns; or its rows."""
    if rows is not None or shape is not None:
        query = {"limit": rows or 10} | ({} if shape is None else {"shape": shape})
        _show_rows(remote.get(f"/api/2.0/pierhead/tables/{part(name)}/rows", query), output)
        return
    _show(remote.get(f"{_ROOT}/tables/{part(name)}"), output)


@tables.command("inference")
@output_option
@talks_to_server
def inference(remote: Remote, output: Format) -> None:
    """List the tables of endpoints, with what is on its way into them and what never came."""
    found = remote.get("/api/2.0/pierhead/inference-tables")
    if output is Format.JSON:
        show_json(found)
        return
    show_table(
        ["NAME", "VERSION", "ROWS", "WAITING BYTES", "LOST", "PUT ASIDE", "PROBLEM"],
        [
            (
                table["full_name"],
                table["version"],
                table["row_count"],
                table["spool_backlog_bytes"],
                table["records_dropped"],
                table["records_quarantined"],
                table["problem"],
            )
            for table in found["inference_tables"]
        ],
        empty="No inference tables. An endpoint has one if its auto_capture_config names a schema.",
    )


@tables.command("register")
@click.argument("name")
@click.argument("location", type=click.Path(path_type=Path))
@output_option
@talks_to_server
def register(remote: Remote, name: str, location: Path, output: Format) -> None:
    """Make the Delta table in folder LOCATION of the server's machine known as NAME (catalog.schema.table)."""
    catalog, schema, table = _parts(name)
    body = {
        "catalog_name": catalog,
        "schema_name": schema,
        "name": table,
        "table_type": "EXTERNAL",
        "data_source_format": "DELTA",
        "storage_location": str(location.absolute()),
    }
    _show(remote.call("POST", f"{_ROOT}/tables", body), output)


@tables.command("vacuum")
@click.argument("name")
@click.option("--retention-hours", type=click.IntRange(0), help="Spare files younger than this [as the table says].")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@output_option
@talks_to_server
def vacuum(remote: Remote, name: str, retention_hours: int | None, dry_run: bool, output: Format) -> None:
    """Delete files that only old versions of a table use; versions that models were trained on stay."""
    body: dict[str, Any] = {"dry_run": dry_run}
    if retention_hours is not None:
        body["retention_hours"] = retention_hours
    done = remote.call("POST", f"/api/2.0/pierhead/tables/{part(name)}/vacuum", body, timeout_s=3600)
    if output is Format.JSON:
        show_json(done)
        return
    for file in done["files"]:
        click.echo(file)
    pinned = ", ".join(map(str, done["pinned_versions"]))
    say(f"{'Would delete' if dry_run else 'Deleted'} {len(done['files'])} files of {name}")
    say(f"Pinned versions that stay: {pinned}" if pinned else "No version is pinned")


@tables.command("verify-pins")
@output_option
@home_option
def check_pins(output: Format, home: Path | None) -> None:
    """Open every table version that a model of this home was trained on, and look for its files; needs no server.

    Exit code 3 if a version is missing or no longer what it was.
    """
    from pierhead.catalog.services.pins import verify_pins
    from pierhead.kit.clock import SystemClock

    with open_home(load_settings(home=home)) as database:
        report = verify_pins(database, SystemClock())
    if output is Format.JSON:
        show_json({"checked": report.checked, "broken": [_broken_json(each) for each in report.broken]})
    else:
        show_table(
            ["VERSION", "OF THE TABLE AT", "KEPT BECAUSE", "PROBLEM"],
            [(each.pin.version, each.pin.location, each.pin.reason, each.problem) for each in report.broken],
            empty=f"All {report.checked} pinned versions of tables are there, with the files they had.",
        )
    if report.broken:
        raise Failure(
            f"{len(report.broken)} of {report.checked} pinned versions of tables are missing or not what they were",
            code=ExitCode.NOT_FOUND,
            remedy="restore the folders of these tables from a backup",
        )


def _broken_json(broken: "BrokenPin") -> dict[str, Any]:
    pin = broken.pin
    return {
        "location": str(pin.location),
        "version": pin.version,
        "holder": pin.holder,
        "reason": pin.reason,
        "problem": broken.problem,
    }


def _catalogs(remote: Remote, name: str) -> list[str]:
    if name:
        return [name]
    return [catalog["name"] for catalog in remote.pages(f"{_ROOT}/catalogs", "catalogs")["catalogs"]]


def _of(remote: Remote, catalog: str, schema: str) -> list[dict[str, Any]]:
    query = {"catalog_name": catalog} | ({"schema_name_pattern": schema.replace("_", "\\_")} if schema else {})
    return list(remote.pages(f"{_ROOT}/table-summaries", "tables", query)["tables"])


def _parts(name: str) -> list[str]:
    parts = name.split(".")
    if len(parts) != 3:
        raise Failure(f"{name!r} is not of the form catalog.schema.table", code=ExitCode.USAGE)
    return parts


def _show(table: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(table)
        return
    properties = dict(table["properties"])
    show_fields(
        [
            ("name", table["full_name"]),
            ("type", table["table_type"]),
            ("location", table["storage_location"]),
            ("owner", table["owner"]),
            ("version", properties.get("delta.lastUpdateVersion")),
            ("changed", moment(properties.get("delta.lastCommitTimestamp"))),
            ("columns", [f"{column['name']} {column['type_text']}" for column in table.get("columns", [])]),
            ("properties", [f"{key}={value}" for key, value in sorted(properties.items()) if _is_set(key)]),
        ]
    )


def _show_rows(found: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(found)
        return
    names = list(dict.fromkeys(name for row in found["rows"] for name in row))
    show_table(names, [[row[name] for name in names] for row in found["rows"]], empty="No rows.")


def _is_set(property_name: str) -> bool:
    """Whether somebody set it; the others tell of the newest version."""
    return not property_name.startswith(("delta.last", "delta.min"))
