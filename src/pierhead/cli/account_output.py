"""How the commands show users, service principals and groups."""

from typing import TYPE_CHECKING, Any

from pierhead.cli.output import moment

if TYPE_CHECKING:
    from pierhead.identity.domain.accounts import Account


def account_json(account: "Account") -> dict[str, Any]:
    """A user or a service principal; what only the latter has is left out for the former."""
    from pierhead.kit.clock import to_ms

    shown: dict[str, Any] = {
        "id": account.id,
        "user_name": account.name,
        "active": account.is_active,
        "groups": sorted(account.groups),
        "entitlements": sorted(account.entitlements),
        "creation_time": to_ms(account.created_at),
    }
    if account.application_id is not None:
        shown |= {"application_id": account.application_id, "owner": account.owner}
    return shown


def account_fields(account: "Account") -> list[tuple[str, object]]:
    shown = account_json(account)
    return [
        ("name", shown["user_name"]),
        ("display name", account.display_name),
        ("active", "yes" if shown["active"] else "no"),
        ("owner", shown.get("owner")),
        ("application id", shown.get("application_id")),
        ("groups", shown["groups"]),
        ("entitlements", shown["entitlements"]),
        ("created", moment(shown["creation_time"])),
        ("id", shown["id"]),
    ]
