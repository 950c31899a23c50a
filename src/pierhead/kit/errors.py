"""Everything that Pierhead refuses or fails at, as one tree.

PierheadError
├── InvalidArgument        INVALID_PARAMETER_VALUE
├── BadRequest             BAD_REQUEST
├── InvalidState           INVALID_STATE
├── DiskFull               INVALID_STATE (507)
├── Unauthenticated        UNAUTHENTICATED
├── PermissionDenied       PERMISSION_DENIED
├── NotFound               RESOURCE_DOES_NOT_EXIST
├── RouteNotFound          ENDPOINT_NOT_FOUND
├── AlreadyExists          RESOURCE_ALREADY_EXISTS
├── Conflict               RESOURCE_CONFLICT
├── TooLarge               MAX_REQUEST_SIZE_EXCEEDED (413)
├── UnsupportedMediaType   BAD_REQUEST (415)
├── TooManyRequests        REQUEST_LIMIT_EXCEEDED
├── Unavailable            TEMPORARILY_UNAVAILABLE
├── DeadlineExceeded       DEADLINE_EXCEEDED
├── NotImplementedYet      NOT_IMPLEMENTED
└── InternalError          INTERNAL_ERROR

Every class carries the wire code that the official clients know; HTTP statuses live in `kit/web/errors.py` alone.
Messages name the thing, the fact and the remedy.
"""


class PierheadError(Exception):
    """Something went wrong inside Pierhead."""

    code = "INTERNAL_ERROR"
    kind = ""
    """What of its code it is, for programs that want to tell; empty for most."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())

    @property
    def message(self) -> str:
        return str(self)


class InvalidArgument(PierheadError):
    """A value in the request is not allowed."""

    code = "INVALID_PARAMETER_VALUE"


class BadRequest(PierheadError):
    """The request cannot be read."""

    code = "BAD_REQUEST"


class InvalidState(PierheadError):
    """The object is not in a state that allows this."""

    code = "INVALID_STATE"


class DiskFull(PierheadError):
    """The disk that this would be written to is full; nothing of it is kept."""

    # With this code no official client tries again, on whatever way it came: MLflow's client takes a code that the
    # SDK does not know for a 500, and repeats those for minutes.
    code = "INVALID_STATE"
    kind = "disk full"


class Unauthenticated(PierheadError):
    """The request carries no valid token."""

    code = "UNAUTHENTICATED"


class PermissionDenied(PierheadError):
    """The caller may not do this."""

    code = "PERMISSION_DENIED"


class NotFound(PierheadError):
    """The object does not exist."""

    code = "RESOURCE_DOES_NOT_EXIST"


class RouteNotFound(PierheadError):
    """No such path."""

    code = "ENDPOINT_NOT_FOUND"


class AlreadyExists(PierheadError):
    """An object of this name exists already."""

    code = "RESOURCE_ALREADY_EXISTS"


class Conflict(PierheadError):
    """Somebody else changed the object at the same time."""

    code = "RESOURCE_CONFLICT"


class TooLarge(PierheadError):
    """The request body is larger than allowed."""

    code = "MAX_REQUEST_SIZE_EXCEEDED"


class UnsupportedMediaType(PierheadError):
    """The content type of the request body is not supported."""

    code = "BAD_REQUEST"


class TooManyRequests(PierheadError):
    """The limit of requests is reached."""

    code = "REQUEST_LIMIT_EXCEEDED"


class Unavailable(PierheadError):
    """The service cannot answer at this moment; try again."""

    code = "TEMPORARILY_UNAVAILABLE"


class DeadlineExceeded(PierheadError):
    """The answer did not come in time."""

    code = "DEADLINE_EXCEEDED"


class NotImplementedYet(PierheadError):
    """This call is known and not implemented."""

    code = "NOT_IMPLEMENTED"


class InternalError(PierheadError):
    """Something went wrong inside Pierhead."""

    code = "INTERNAL_ERROR"
