"""Who may query which endpoint, for the routing snapshot."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Endpoint, Kind
from pierhead.identity.domain.querying import Queryable, queryables
from pierhead.identity.store.permissions import PermissionStore, ids_of_names


def who_may_query(connection: Connection, endpoints: Sequence[Endpoint]) -> Mapping[str, Queryable]:
    """By the endpoints' ids. Two queries, however many endpoints there are."""
    entries = PermissionStore(connection).list_of_kind(Kind.ENDPOINT)
    ids = ids_of_names(connection, {endpoint.owner for endpoint in endpoints})
    return queryables(endpoints, entries, ids)
