"""All routes of accounts: who is who, in which group, with which tokens."""

from pierhead.identity.api.me import Me
from pierhead.identity.api.scim import ScimAccounts
from pierhead.identity.api.scim_groups import ScimGroups
from pierhead.identity.api.tokens import OwnTokens, TokenManagement
from pierhead.kit.clock import Clock
from pierhead.kit.web.caller import PrincipalKind
from pierhead.kit.web.routes import Routes


def add_routes(routes: Routes, *, clock: Clock) -> None:
    Me(clock).add_routes(routes)
    for kind in PrincipalKind:
        ScimAccounts(kind, clock).add_routes(routes)
    ScimGroups(clock).add_routes(routes)
    OwnTokens(clock).add_routes(routes)
    TokenManagement(clock).add_routes(routes)
