"""Spans in OpenTelemetry's form, which may carry tags of their trace as attributes."""

from pierhead.kit.errors import InvalidArgument

# The official clients send only users' tags so; of MLflow's own, some say where the server reads the trace from.
_RESERVED = b"mlflow.traceTag.mlflow."


class SpanScreen:
    """Looks through a body of spans, a piece at a time, for tags that clients may not set.

    In protobuf a key stands in the body byte for byte, and in JSON too once it is written without escapes. A span that
    only speaks of such a key is refused with the others.
    """

    def __init__(self) -> None:
        self._tail = b""

    def look_at(self, piece: bytes) -> None:
        """Raises InvalidArgument before the last byte of a reserved key has passed."""
        text = self._tail + piece
        if _RESERVED in text:
            raise InvalidArgument(
                f"a span sets an attribute {_RESERVED.decode()}*: those tags of a trace are the server's; leave it out"
            )
        self._tail = text[-(len(_RESERVED) - 1) :]
