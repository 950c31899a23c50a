"""Who asks what of whom, as a request's head says."""

from typing import NamedTuple

from pierhead.gateway.endpoints import Endpoint
from pierhead.gateway.routing import Target
from pierhead.serving.domain.snapshot import Principal


class Asker(NamedTuple):
    principal: Principal
    target: Target
    endpoint: Endpoint
    content_type: str
    request_id: str | None
    """The caller's own; None if each request gets a new one."""
    unit: bytes | None = None
    """What its requests are dealt out by, if the head says so."""
