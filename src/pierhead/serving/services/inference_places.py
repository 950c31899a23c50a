"""Where inference tables go: into a schema that the caller may make tables in, made if it is not there."""

from sqlalchemy import Connection

from pierhead.catalog.services.places import Places
from pierhead.identity.domain.objects import Action, Kind, New, Schema
from pierhead.identity.services.access import Access
from pierhead.kit.clock import Clock
from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller
from pierhead.serving.domain.endpoints import Endpoint


def make_place(connection: Connection, clock: Clock, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
    """See to the place of the table that `after` writes and `before` did not.

    Raises PermissionDenied if the caller may make no table there.
    """
    table = after.capture_table(after.newest)
    if table is None or (before is not None and before.capture_table(before.newest) == table):
        return
    name = FullName.parse(table)
    within = Schema(name.catalog, name.schema)
    Access(connection, caller).require(Action.CREATE, New(Kind.TABLE, str(name), within))
    Places(connection, clock).ensure(name.catalog, name.schema, owner=caller.user_name)
