"""Tokens as the clients see them: everything but the token itself."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pierhead.identity.domain.accounts import Account, Token
from pierhead.kit.clock import to_ms
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call

_NEVER = -1


def token_json(token: Token) -> dict[str, Any]:
    """A token as its owner sees it."""
    return {
        "token_id": token.id,
        "comment": token.comment,
        "creation_time": to_ms(token.created_at),
        "expiry_time": _NEVER if token.expires_at is None else to_ms(token.expires_at),
    }


def managed_token_json(token: Token, account: Account) -> dict[str, Any]:
    """A token as who manages it sees it. Tokens of the first release do not know who made them."""
    shown = token_json(token) | {"owner_name": account.name, "created_by_username": token.created_by or account.name}
    # The clients read it as a number, which ids of the first release are not.
    return shown | {"owner_id": int(account.id)} if account.id.isdigit() else shown


def find_lifetime(call: Call) -> timedelta | None:
    """None if the token shall never end. Raises InvalidArgument."""
    if call.params.get("lifetime_seconds") is None:
        return None
    seconds = call.number("lifetime_seconds", 0)
    # timedelta itself refuses more than this with an error of its own.
    if not 0 < seconds < 10**12:
        raise InvalidArgument(
            f"lifetime_seconds is at least 1, or left out for a token that does not end, not {seconds}"
        )
    return timedelta(seconds=seconds)


def refuse_scopes(call: Call) -> None:
    """Raises InvalidArgument: a caller who asked for a narrower token must not get a wider one."""
    if call.params.get("scopes"):
        raise InvalidArgument("tokens with 'scopes' are not to be had: a token may do what its owner may")


def read_comment(call: Call) -> str:
    """The new comment of a token: all that can be changed. Raises InvalidArgument."""
    mask, token = call.find_text("update_mask"), call.params.get("token")
    comment = token.get("comment", "") if isinstance(token, Mapping) else None
    if mask not in (None, "comment") or not isinstance(comment, str):
        raise InvalidArgument(
            "only the comment of a token can be changed: send token.comment, and update_mask 'comment'"
        )
    return comment
