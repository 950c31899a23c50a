"""Comments on versions: activities that their authors may still change."""

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMINS
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, NotFound, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.activities import Activity, ActivityKind
from pierhead.registry.domain.events import EventKind, RegistryEvent
from pierhead.registry.domain.names import check_text
from pierhead.registry.services.activities import Activities
from pierhead.registry.services.events import Events
from pierhead.registry.services.models import Models
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.taking_part import require_taking_part
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.activities import ActivityStore


class Comments:
    """Use cases of one caller, within the caller's transaction."""

    def __init__(self, connection: Connection, clock: Clock, caller: Caller) -> None:
        self._connection = connection
        self._clock = clock
        self._caller = caller
        self._rows = ActivityStore(connection)

    def create(self, name: str, number: int, comment: str) -> Activity:
        """Raises NotFound, InvalidArgument, or PermissionDenied for who only reads."""
        _check(comment)
        version = Versions(self._connection, self._clock).get(name, number)
        model = Models(self._connection, self._clock).get(name)
        require_taking_part(ModelRights(self._connection, self._caller), self._caller, model, "comment on it")
        by = self._caller.user_name
        activity = Activities(self._connection, self._clock).add(ActivityKind.COMMENT, version, by=by, comment=comment)
        Events(self._connection, self._clock).emit(
            RegistryEvent(
                EventKind.COMMENT_CREATED, version.model_id, version.model_name, by, version.number, comment=comment
            )
        )
        return activity

    def get(self, comment_id: str) -> Activity:
        """Raises NotFound, also for an activity that is no comment."""
        activity = self._rows.find(comment_id)
        if activity is None or activity.kind is not ActivityKind.COMMENT:
            raise NotFound(f"Comment with id={comment_id} not found")
        return activity

    def update(self, comment_id: str, comment: str) -> Activity:
        """Raises NotFound, InvalidArgument, or PermissionDenied unless the caller wrote it."""
        _check(comment)
        present = self.get(comment_id)
        if self._caller.user_name != present.by:
            raise PermissionDenied(
                f"comment {comment_id} is {present.by}'s: only they can change it; write one of yours"
            )
        self._rows.set_comment(comment_id, comment, self._clock.now())
        return self.get(comment_id)

    def delete(self, comment_id: str) -> None:
        """Raises NotFound, or PermissionDenied unless the caller wrote it or is an admin."""
        present = self.get(comment_id)
        if self._caller.user_name != present.by and ADMINS not in self._caller.groups:
            raise PermissionDenied(f"comment {comment_id} is {present.by}'s: only they and admins can delete it")
        self._rows.delete(comment_id)


def _check(comment: str) -> None:
    if not comment.strip():
        raise InvalidArgument("Missing value for required parameter 'comment'.")
    check_text("comment", comment)
