"""The config in which a new version takes the place of what an endpoint serves now."""

from collections.abc import Sequence
from dataclasses import fields, replace

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.drafts import ConfigDraft, default_entity_name
from pierhead.serving.domain.endpoints import EndpointConfig, EntitySpec, Route, ServedEntity


def draft_with(endpoint_name: str, active: EndpointConfig, new: EntitySpec, replaces: str | None) -> ConfigDraft:
    """The active config with `new` in the place of one entity, whose share of the traffic and whose settings it takes
    over, as far as it has none of its own.

    Without `replaces` that is the only entity of the same model, else the only one there is. Raises InvalidArgument if
    it is not clear which.
    """
    old = _replaced(endpoint_name, active, new, replaces)
    given = {field.name: getattr(new, field.name) for field in fields(new) if getattr(new, field.name) is not None}
    spec = replace(old.spec, **given)
    name = spec.name or default_entity_name(spec.model_name, spec.model_version)
    return ConfigDraft(
        tuple(spec if entity.id == old.id else replace(entity.spec, name=entity.name) for entity in active.entities),
        tuple(Route(name if each.entity_name == old.name else each.entity_name, each.points) for each in active.routes),
    )


def _replaced(endpoint_name: str, active: EndpointConfig, new: EntitySpec, replaces: str | None) -> ServedEntity:
    found: Sequence[ServedEntity]
    if replaces is not None:
        found = [entity for entity in active.entities if entity.name == replaces]
    else:
        found = [entity for entity in active.entities if entity.model_name == new.model_name]
        if not found and len(active.entities) == 1:
            found = active.entities
    if len(found) == 1:
        return found[0]
    served = ", ".join(f"{each.name} ({each.model_name} version {each.model_version})" for each in active.entities)
    which = f"no served entity {replaces!r}" if replaces else f"{len(found)} served entities of {new.model_name}"
    raise InvalidArgument(
        f"endpoint {endpoint_name!r} has {which}, so that it is not clear whose place version {new.model_version} "
        f"shall take; it serves {served}; name one of them as `replaces`, or give the whole config"
    )
