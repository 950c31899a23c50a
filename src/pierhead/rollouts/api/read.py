"""What calls on rollouts say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call
from pierhead.rollouts.domain.spec_yaml import parse_spec
from pierhead.rollouts.domain.specs import RolloutSpec
from pierhead.serving.api import databricks_requests_wire as requests
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import EntitySpec

_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Start:
    """What to roll out: `entity` in the place of `replaces`, or a whole `config`, or neither: the pending config."""

    endpoint: str
    spec: RolloutSpec
    entity: EntitySpec | None
    replaces: str | None
    config: ConfigDraft | None


def read_start(call: Call) -> Start:
    """`{endpoint, entity: {entity_name, entity_version, ...} or config: {...}, replaces, spec}`.

    Raises InvalidArgument.
    """
    entity, config = _object(call, "entity"), _object(call, "config")
    if entity is not None and config is not None:
        raise InvalidArgument("give either `entity`, a served entity, or `config`, a whole config")
    return Start(
        endpoint=call.text("endpoint"),
        spec=read_spec(call.params.get("spec")),
        entity=None if entity is None else _entity(entity),
        replaces=call.find_text("replaces"),
        config=None if config is None else requests.read_update(config),
    )


def read_spec(value: object) -> RolloutSpec:
    """YAML as text, or the same as an object; None for the usual steps. Raises InvalidSpec."""
    if value is None:
        return parse_spec(b"")
    if isinstance(value, str):
        return parse_spec(value.encode())
    if isinstance(value, Mapping):
        return parse_spec(orjson.dumps(dict(value)))
    raise InvalidArgument("`spec` must be YAML as text, or an object")


def read_reason(call: Call) -> str:
    """Why somebody does something, in their words; "" if they say nothing. Raises InvalidArgument for a book."""
    reason = call.find_text("reason") or ""
    if len(reason) > _LONGEST_REASON:
        raise InvalidArgument(f"`reason` may have {_LONGEST_REASON} letters, not {len(reason)}")
    return reason


def read_minutes(call: Call, key: str, usual: timedelta) -> timedelta:
    return timedelta(minutes=call.number(key, int(usual.total_seconds() // 60)))


def _entity(entity: Mapping[str, Any]) -> EntitySpec:
    asked = requests.read_update({"served_entities": [entity]})
    assert asked.entities is not None, "one was given"
    return asked.entities[0]


def _object(call: Call, key: str) -> Mapping[str, Any] | None:
    value = call.params.get(key)
    if value is None or isinstance(value, Mapping):
        return value
    raise InvalidArgument(f"parameter '{key}' must be an object")
