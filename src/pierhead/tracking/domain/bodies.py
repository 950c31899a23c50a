"""What clients may write: the bodies that MLflow's server sees only in a form that we have checked.

MLflow takes each field in two spellings, `artifact_location` and `artifactLocation`, so a body goes on rebuilt, with
the fields that we care about under their own names.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.tracking.domain.experiments import OUR_TAGS, OWNER_TAG
from pierhead.tracking.domain.fields import in_one_spelling
from pierhead.tracking.domain.locations import DATABRICKS_ROOT, MLFLOW_ROOT, inside_path

USER_TAG = "mlflow.user"
"""Who made a run."""

# MLflow's server reads a trace from where these tags say, be that a file of the machine or another host.
_SPANS_KEPT = "mlflow.trace.spansLocation"
_LOCATION_TAGS = ("mlflow.artifactLocation", "mlflow.trace.archiveLocation", _SPANS_KEPT)
_SPANS_IN_DATABASE = "TRACKING_STORE"

_TRACE_ID_FIELDS = ("trace_id", "traceId")

# A trace's id becomes part of the location of its files.
_TRACE_ID = re.compile(r"[A-Za-z0-9_:-][A-Za-z0-9_.:-]*")


@dataclass(frozen=True, slots=True)
class Names:
    """Who calls, and whose the run is that the call is about; None if it is about none."""

    caller: str
    run_user: str | None = None


Check = Callable[[Names, Mapping[str, Any]], dict[str, Any]]
"""The names and a body -> the body to pass on. Raises InvalidArgument or PermissionDenied."""


def check_of(path: str) -> Check | None:
    """The check for bodies that go to `path` at MLflow's server; None where nothing needs one.

    >>> check_of("/mlflow/api/2.0/mlflow/runs/create") is run_of
    True
    """
    return next((check for pattern, check in _CHECKS if pattern.search(path)), None)


def run_of(names: Names, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `runs/create`, with the authenticated caller as the run's user whatever the client claimed."""
    body = in_one_spelling(body, "user_id")
    others = [tag for tag in _tags_of(body) if tag.get("key") != USER_TAG]
    ours = {"user_id": names.caller, "tags": [{"key": USER_TAG, "value": names.caller}, *others]}
    return _first(_first(body, ours), {name: body[name] for name in ("experiment_id",) if name in body})


def tag_of(names: Names, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `runs/set-tag`: a run's user stays who it is, whoever else may write to the run."""
    refuse_reserved(body.get("key"))
    _refuse_other_user(names, body)
    return dict(body)


def batch_of(names: Names, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `runs/log-batch`: as for one tag."""
    for tag in _tags_of(body):
        _refuse_other_user(names, tag)
    return dict(body)


def removed_tag_of(_names: Names, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `runs/delete-tag`: every run keeps its user."""
    refuse_reserved(body.get("key"))
    if body.get("key") == USER_TAG:
        raise PermissionDenied(f"tag {USER_TAG} says who made the run and cannot be deleted")
    return dict(body)


def experiment_of(names: Names, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `experiments/create`: the caller owns it, and the server decides where its artifacts lie.

    Raises InvalidArgument if the client asks for a place outside the server's store.
    """
    body = in_one_spelling(body, "artifact_location")
    wanted = body.pop("artifact_location", None)
    if wanted and not (isinstance(wanted, str) and _is_ours(wanted)):
        raise InvalidArgument(
            f"artifact_location {wanted!r} is not in this server's store, which keeps all artifacts itself; "
            "create the experiment without artifact_location"
        )
    return _first(body, {"tags": [{"key": OWNER_TAG, "value": names.caller}, *_tags_of(body)]})


def labels_of(_names: Names, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a call that writes or deletes tags of an experiment or a logged model: ours stay ours."""
    refuse_reserved(body.get("key"))
    _tags_of(body)
    return dict(body)


def trace_of(_names: Names, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a call that writes a trace or its tags, which may not say where the trace lies, nor set tags of ours.

    Older clients send back the tags that the server gave them: those are left out, as the server has them.
    """
    _refuse_location_tag(body.get("key"))
    cleaned: dict[str, Any] = _without_locations(body)
    return cleaned


def refuse_reserved(key: Any) -> None:
    """Raises PermissionDenied for the key of a tag that begins as ours do."""
    if isinstance(key, str) and key.startswith(OUR_TAGS):
        raise PermissionDenied(f"tag {key!r} is kept by this server: tags that begin with {OUR_TAGS!r} cannot be set")


def _first(body: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body with these fields, before all others: MLflow's server stops reading at one that it cannot read."""
    return {**fields, **{name: value for name, value in body.items() if name not in fields}}


def _tags_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    tags = body.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise InvalidArgument("parameter 'tags' must be a list of objects with a key and a value")
    for tag in tags:
        # Where MLflow's server cannot read one of them, it goes on without the others, ours included.
        if not isinstance(tag.get("key"), str | None) or not isinstance(tag.get("value"), str | None):
            raise InvalidArgument("key and value of each of 'tags' must be strings")
        refuse_reserved(tag.get("key"))
    return tags


def _refuse_other_user(names: Names, tag: Mapping[str, Any]) -> None:
    if tag.get("key") == USER_TAG and (names.run_user is None or tag.get("value") != names.run_user):
        raise PermissionDenied(
            f"tag {USER_TAG} says who made the run; {names.caller} cannot set it to {tag.get('value')!r}"
        )


def _is_ours(location: str) -> bool:
    return location.startswith(DATABRICKS_ROOT) or location == MLFLOW_ROOT


def _without_locations(value: Any) -> Any:
    """Tags come as a map or as a list of keys with values; both are looked for at any depth."""
    if isinstance(value, list):
        return [_without_locations(item) for item in value if not _is_returned_tag(item)]
    if not isinstance(value, dict):
        return value
    for name in _TRACE_ID_FIELDS:
        _check_trace_id(value.get(name))
    return {key: _without_locations(item) for key, item in value.items() if not _is_returned(key, item)}


def _is_returned_tag(item: Any) -> bool:
    return isinstance(item, dict) and _is_returned(item.get("key"), item.get("value"))


def _is_returned(key: Any, value: Any) -> bool:
    """Whether it is a location tag as the server gave it. Raises InvalidArgument if it is one of the client's own."""
    if key not in _LOCATION_TAGS or not isinstance(value, str):
        _refuse_location_tag(key)
        return False
    if value == _SPANS_IN_DATABASE if key == _SPANS_KEPT else inside_path(value) is not None:
        return True
    _refuse_location_tag(key)
    return False


def _refuse_location_tag(key: Any) -> None:
    refuse_reserved(key)
    if key in _LOCATION_TAGS:
        raise InvalidArgument(f"tag {key} says where the server keeps a trace and cannot be set; leave it out")


def _check_trace_id(id: Any) -> None:
    if isinstance(id, str) and id and not _TRACE_ID.fullmatch(id):
        raise InvalidArgument(f"trace id {id!r} may hold letters, digits and _ : - . only")


_CHECKS: tuple[tuple[re.Pattern[str], Check], ...] = tuple(
    (re.compile(rf"/{call}\Z"), check)
    for call, check in (
        (r"2\.0/mlflow/runs/create", run_of),
        (r"2\.0/mlflow/runs/set-tag", tag_of),
        (r"2\.0/mlflow/runs/log-batch", batch_of),
        (r"2\.0/mlflow/runs/delete-tag", removed_tag_of),
        (r"2\.0/mlflow/experiments/create", experiment_of),
        (r"2\.0/mlflow/experiments/(set|delete)-experiment-tag", labels_of),
        (r"2\.0/mlflow/logged-models(/[^/]+/tags)?", labels_of),
        (r"[23]\.0/mlflow/traces(/[^/]+(/tags)?)?", trace_of),
    )
)
