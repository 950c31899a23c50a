"""`/2.0/mlflow/comments/*`: comments on versions, as `w.model_registry` speaks."""

from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMINS
from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.guards import needs, needs_nothing
from pierhead.registry.api.read import read_version
from pierhead.registry.api.transition_requests_wire import DELETE_COMMENT, EDIT_COMMENT, comment_json
from pierhead.registry.domain.activities import Activity
from pierhead.registry.services.comments import Comments

_ROOT = "/2.0/mlflow/comments/"


class VersionComments:
    """Handlers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add_routes(self, routes: Routes) -> None:
        for method, path, handler, guard in (
            ("POST", "create", self.create, needs(Action.READ)),
            # These two name no model: the comment's author is who may.
            ("PATCH", "update", self.update, needs_nothing),
            ("DELETE", "delete", self.delete, needs_nothing),
        ):
            routes.add(method, _ROOT + path, handler, prefixes=MLFLOW_PREFIXES, guard=guard)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        comment = self._comments(call, connection).create(*read_version(call), call.text("comment"))
        return {"comment": comment_json(comment, _actions(comment, call))}

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        comment = self._comments(call, connection).update(call.text("id"), call.text("comment"))
        return {"comment": comment_json(comment, _actions(comment, call))}

    def delete(self, call: Call, connection: Connection) -> None:
        self._comments(call, connection).delete(call.text("id"))

    def _comments(self, call: Call, connection: Connection) -> Comments:
        return Comments(connection, self._clock, call.caller)


def _actions(comment: Activity, call: Call) -> list[str]:
    if comment.by == call.caller.user_name:
        return [EDIT_COMMENT, DELETE_COMMENT]
    return [DELETE_COMMENT] if ADMINS in call.caller.groups else []
