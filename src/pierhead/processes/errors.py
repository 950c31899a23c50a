"""Why a process cannot start."""

from pierhead.kit.errors import PierheadError


class CannotStart(PierheadError):
    """The platform cannot start."""


class AlreadyRuns(CannotStart):
    """Another supervisor holds the home."""
