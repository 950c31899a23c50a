"""Who may query an endpoint, told in advance: gateways know this much of rights and no more."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pierhead.identity.domain.accounts import ADMINS, EVERYBODY
from pierhead.identity.domain.grantees import GranteeType, Who
from pierhead.identity.domain.levels import ROOT, Entry, actions_of
from pierhead.identity.domain.objects import Action, Endpoint, Kind


@dataclass(frozen=True, slots=True)
class Queryable:
    """Everybody, or the users and service principals with these ids and the members of these groups."""

    everybody: bool
    principal_ids: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def covers(self, who: Who) -> bool:
        return self.everybody or who.id in self.principal_ids or not self.groups.isdisjoint(who.all_groups)


def queryable(endpoint: Endpoint, entries: Iterable[Entry], ids: Mapping[str, str]) -> Queryable:
    """Agrees with `allowed`. `ids` gives the id of the endpoint's owner by name; other objects' entries do no harm."""
    holders = {
        entry.grantee
        for entry in entries
        if entry.object_id in (endpoint.id, ROOT)
        and entry.kind is Kind.ENDPOINT
        and Action.QUERY in actions_of(Kind.ENDPOINT, entry.level)
    }
    groups = {holder.id for holder in holders if holder.type is GranteeType.GROUP}
    if not groups.isdisjoint(EVERYBODY):
        return Queryable(everybody=True)
    owner = {ids[endpoint.owner]} if endpoint.owner in ids else set()
    return Queryable(
        everybody=False,
        principal_ids=frozenset(owner | {holder.id for holder in holders if holder.type is not GranteeType.GROUP}),
        groups=frozenset(groups | {ADMINS}),
    )


def queryables(
    endpoints: Collection[Endpoint], entries: Collection[Entry], ids: Mapping[str, str]
) -> Mapping[str, Queryable]:
    """The same of many endpoints, by their ids; `entries` are those of all of them."""
    by_object: dict[str, list[Entry]] = {}
    for entry in entries:
        by_object.setdefault(entry.object_id, []).append(entry)
    for_all = by_object.get(ROOT, [])
    return {
        endpoint.id: queryable(endpoint, [*for_all, *by_object.get(endpoint.id, ())], ids) for endpoint in endpoints
    }
