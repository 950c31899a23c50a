"""What we change in the JSON that passes between clients and MLflow's server."""

import re
from collections.abc import Mapping
from typing import Any

from pierhead.kit.errors import InvalidArgument
from pierhead.tracking.domain.locations import DATABRICKS_ROOT, MLFLOW_ROOT, to_databricks

_USER_TAG = "mlflow.user"

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


def run_of(user_name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `runs/create`, with the authenticated caller as the run's user whatever the client claimed."""
    tags = body.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise InvalidArgument("parameter 'tags' must be a list of objects with a key and a value")
    others = [tag for tag in tags if tag.get("key") != _USER_TAG]
    return {**body, "user_id": user_name, "tags": [*others, {"key": _USER_TAG, "value": user_name}]}


def experiment_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `experiments/create`, without an artifact location: the server decides where artifacts lie.

    Raises InvalidArgument if the client asks for a place outside the server's store.
    """
    wanted = body.get("artifact_location")
    if wanted and not (isinstance(wanted, str) and _is_ours(wanted)):
        raise InvalidArgument(
            f"artifact_location {wanted!r} is not in this server's store, which keeps all artifacts itself; "
            "create the experiment without artifact_location"
        )
    return {key: value for key, value in body.items() if key != "artifact_location"}


def _is_ours(location: str) -> bool:
    return location.startswith(DATABRICKS_ROOT) or location == MLFLOW_ROOT
