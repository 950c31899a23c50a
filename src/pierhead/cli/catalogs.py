"""`pierhead catalogs`: catalogs and the schemas in them."""

import click

from pierhead.cli.options import confirm, output_option, talks_to_server, yes_option
from pierhead.cli.output import Format, say, show_json, show_table
from pierhead.cli.remote import Remote, part

_ROOT = "/api/2.1/unity-catalog"


@click.group()
def catalogs() -> None:
    """Catalogs and schemas: list create delete."""


@catalogs.command("list")
@output_option
@talks_to_server
def list_catalogs(remote: Remote, output: Format) -> None:
    """List catalogs and their schemas."""
    found = remote.pages(f"{_ROOT}/catalogs", "catalogs")["catalogs"]
    places = []
    for catalog in found:
        places.append(catalog)
        places += remote.pages(f"{_ROOT}/schemas", "schemas", {"catalog_name": catalog["name"]})["schemas"]
    if output is Format.JSON:
        show_json({"places": places})
        return
    show_table(
        ["NAME", "OWNER", "COMMENT"],
        [(place["full_name"], place["owner"], place["comment"]) for place in places],
        empty="No catalogs that you may see.",
    )


@catalogs.command("create")
@click.argument("name")
@click.option("--comment", default="")
@output_option
@talks_to_server
def create(remote: Remote, name: str, comment: str, output: Format) -> None:
    """Create a catalog, or (NAME is catalog.schema) a schema in one."""
    catalog, dot, schema = name.partition(".")
    if dot:
        body = {"catalog_name": catalog, "name": schema, "comment": comment}
        made = remote.call("POST", f"{_ROOT}/schemas", body)
    else:
        made = remote.call("POST", f"{_ROOT}/catalogs", {"name": catalog, "comment": comment})
    if output is Format.JSON:
        show_json(made)
        return
    say(f"Created {'schema' if dot else 'catalog'} {name}")


@catalogs.command("delete")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also what is inside, but never models.")
@yes_option
@talks_to_server
def delete(remote: Remote, name: str, force: bool, yes: bool) -> None:
    """Delete a catalog, or (NAME is catalog.schema) a schema. Files of managed tables and volumes are kept aside."""
    what = "schema" if "." in name else "catalog"
    confirm(f"Delete {what} {name}{' with what is inside' if force else ''}?", is_given=yes)
    remote.call("DELETE", f"{_ROOT}/{what}s/{part(name)}", query={"force": str(force).lower()})
    say(f"Deleted {what} {name}")
