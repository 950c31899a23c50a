"""What a gateway process is told at its start."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """`listen_fd` is an inherited TCP socket that listens already and may be shared with other gateways."""

    gateway_id: str
    listen_fd: int
    api_socket: Path
    snapshot: Path
    spool: Path
    traffic_folder: Path
    max_body_bytes: int
    invocation_timeout_s: float
    """For endpoints that set none; counts from the arrival of the request."""
    queue_limit: int
    """Invocations of one endpoint that wait or run at the same time in this gateway."""
