"""Who may call the routes of identity."""

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.services.access import Access
from pierhead.kit.web.routes import Call


def needs_admin(call: Call, connection: Connection) -> None:
    """For admins alone. Raises PermissionDenied."""
    Access(connection, call.caller).require(Action.MANAGE, Platform())
