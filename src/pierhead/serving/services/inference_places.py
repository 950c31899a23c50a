"""Where inference tables go: into a schema that the caller may make tables in, made if it is not there."""

from sqlalchemy import Connection

from pierhead.catalog.services.places import Places
from pierhead.identity.domain.objects import Action, Kind, New, Schema
from pierhead.identity.domain.objects import Endpoint as EndpointTarget
from pierhead.identity.services.access import Access
from pierhead.kit.clock import Clock
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointStore


def make_place(connection: Connection, clock: Clock, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
    """See to the place of the table that `after` writes and `before` did not.

    Raises PermissionDenied if the caller may make no table there, or another endpoint that is not theirs writes it.
    """
    table = after.capture_table(after.newest)
    if table is None or (before is not None and before.capture_table(before.newest) == table):
        return
    name = FullName.parse(table)
    within = Schema(name.catalog, name.schema)
    Access(connection, caller).require(Action.CREATE, New(Kind.TABLE, str(name), within))
    _refuse_table_of_others(connection, caller, after, table)
    Places(connection, clock).ensure(name.catalog, name.schema, owner=caller.user_name)


def _refuse_table_of_others(connection: Connection, caller: Caller, endpoint: Endpoint, table: str) -> None:
    access = Access(connection, caller)
    for other in EndpointStore(connection).list_all():
        configs = [config for config in (other.active, other.newest) if config is not None]
        if other.id == endpoint.id or table not in [other.capture_table(config) for config in configs]:
            continue
        if not access.may(Action.MANAGE, EndpointTarget(other.id, other.name, other.creator)):
            raise PermissionDenied(
                f"endpoint {other.name!r}, which {caller.user_name} does not manage, keeps its invocations in {table}; "
                "choose another table_name_prefix"
            )
