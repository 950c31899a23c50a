"""What a caller may take of our time and memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Checked every `sweep_s`, so each time may be exceeded by that much."""

    header_bytes: int = 64 * 1024
    """Request line and headers together."""
    header_timeout_s: float = 30
    """From the first byte of a request to the end of its headers."""
    body_stall_s: float = 60
    """Without a byte of a body that we are ready to read."""
    body_bytes_per_s: float = 100
    """What a body must bring on average in the time after `body_stall_s` in which we are ready to read it."""
    idle_timeout_s: float = 80
    """Without a request. Longer than the 75 s that clients and proxies in front of us keep connections."""
    write_stall_s: float = 120
    """Without taking a byte of an answer, however long the whole of it takes."""
    linger_s: float = 30
    """After an answer that came before the end of its request: how long we read on, so that the answer is not lost."""
    sweep_s: float = 1
