"""The doors of identity on a real server, with a token for everybody who knocks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.furnishing import furnish
from harness.http import Answer
from pierhead.identity.api import routes as identity
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.kit.db import Database
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes

SCIM = "/api/2.0/preview/scim/v2"


class IdentityApp:
    """`admin` is an admin, `sara` a data scientist."""

    def __init__(self, live: LiveApp, database: Database, clock: FixedClock) -> None:
        self.url = live.url
        self.database = database
        self.clock = clock
        self._live = live
        with database.transaction() as connection:
            furnish(connection)
        with self.identities() as identities:
            self.admin = identities.create_admin()
            sara = identities.create_user("sara", frozenset({"data-scientists"}))
            self.sara = identities.create_token(sara, "sara's")

    @contextmanager
    def identities(self) -> Iterator[Identities]:
        with self.database.transaction() as connection:
            yield Identities(connection, self.clock)

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token or self.admin}", "Content-Type": "application/scim+json"}
        return self._live.request(method, path, headers, None if body is None else json.dumps(body).encode())

    def scim(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """The answer of a call that succeeds."""
        answer = self.call(method, f"{SCIM}/{path}", body, token=token)
        assert answer.status in (200, 201), answer.text
        return answer.json()

    def refusal(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, str, str]:
        """Status, code and message of a call that is refused."""
        answer = self.call(method, path if path.startswith("/") else f"{SCIM}/{path}", body, token=token)
        return answer.status, answer.json()["error_code"], answer.json()["message"]

    def group_id(self, name: str) -> str:
        [group] = self.scim("GET", f"Groups?filter=displayName%20eq%20%22{name}%22")["Resources"]
        found: str = group["id"]
        return found

    def user_id(self, name: str) -> str:
        [user] = self.scim("GET", f"Users?filter=userName%20eq%20%22{name}%22")["Resources"]
        found: str = user["id"]
        return found


@contextmanager
def identity_app(database: Database) -> Iterator[IdentityApp]:
    """`database` has all tables."""
    clock = FixedClock()
    routes = Routes(database)
    identity.add_routes(routes, clock=clock)
    web = application(
        routes.routes,
        authenticate=Authenticator(database, clock),
        is_public=lambda _path: False,
        workspace_id="42",
    )
    with LiveApp(web) as live:
        yield IdentityApp(live, database, clock)
