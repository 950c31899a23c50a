"""What we change in the answers of MLflow's server."""

import re

from pierhead.tracking.domain.locations import to_databricks

# A key in JSON follows '{' or ',' directly, and inside a string every quote is escaped, so this finds fields only.
_LOCATION = re.compile(
    rb'(?<!\\)("(?:artifact_uri|artifact_location|root_uri)"\s*:\s*")(mlflow-artifacts:/[^"\\,{}]*)"'
)
_BETWEEN_FIELDS = (b",", b"{", b"}")
_LONGEST_CARRY_BYTES = 64 * 1024


class LocationRewriter:
    """Turns MLflow locations in a stream of JSON into those of Databricks clients, a piece at a time.

    >>> rewriter = LocationRewriter()
    >>> rewriter.feed(b'{"artifact_uri": "mlflow-art') + rewriter.feed(b'ifacts:/1/ab/artifacts"}') + rewriter.end()
    b'{"artifact_uri": "dbfs:/databricks/mlflow-tracking/1/ab/artifacts"}'
    """

    def __init__(self) -> None:
        self._carry = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be said so far; the rest waits for the next piece."""
        text = self._carry + chunk
        # A location holds none of these, so a cut behind one never divides a field that we must change.
        cut = max(text.rfind(mark) for mark in _BETWEEN_FIELDS) + 1
        if not cut and len(text) > _LONGEST_CARRY_BYTES:
            # So long without a field's beginning: the inside of one long string, in which nothing is changed.
            cut = len(text)
        self._carry = text[cut:]
        return _rewrite(text[:cut])

    def end(self) -> bytes:
        rest, self._carry = self._carry, b""
        return _rewrite(rest)


def _rewrite(text: bytes) -> bytes:
    return _LOCATION.sub(lambda found: found[1] + to_databricks(found[2].decode()).encode() + b'"', text)
