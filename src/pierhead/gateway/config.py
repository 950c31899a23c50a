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
    """For endpoints that set none; counts from the arrival of the request, or of the worker that it was held for."""
    queue_limit: int
    """Invocations of one endpoint that wait or run at the same time in this gateway."""
    gateways: int = 1
    """How many gateways share the port, and with it the rate limits of endpoints."""
    samples_folder: Path | None = None
    """Where answers of compiled models are kept for verification; None keeps none."""
    observations_folder: Path | None = None
    """Where records for rollouts and A/B tests are spooled; None means `observations` beside the traffic folder."""
    shadow_bytes: int = 64 * 1024 * 1024
    """What the bodies of all copies for candidates may take; copies beyond are dropped."""
    nudge_socket: Path | None = None
    """Datagram socket of whoever starts workers: told at once when an invocation waits for one."""
    access_log_fd: int = 2
    access_log_rate: float = 0.0
    """Share of the invocations that get a line in the access log, 0-1."""
    tls_certificate: Path | None = None
    """Certificate chain in PEM. With it the port speaks TLS."""
    tls_key: Path | None = None
    """Its private key in PEM; None if it is in the same file."""
