"""May this caller do this? Every door asks here before it acts."""

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Kind, Readable, Target
from pierhead.kit.web.caller import Caller


class Access:
    """Answers for one caller, within one transaction."""

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self._connection = connection
        self._caller = caller

    def may(self, action: Action, target: Target) -> bool:
        """Whether the caller may."""
        raise NotImplementedError

    def require(self, action: Action, target: Target) -> None:
        """Raises PermissionDenied: who may not do what to which object, what right is missing, and who can give it."""
        raise NotImplementedError

    def readable(self, kind: Kind) -> Readable:
        """What of `kind` (MODEL, ENDPOINT, EXPERIMENT, ...) the caller may read."""
        raise NotImplementedError
