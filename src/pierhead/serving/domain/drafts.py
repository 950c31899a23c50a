"""From what a client asks for to a config, or to everything that is wrong with it at once."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.allotment import allot
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.endpoints import EndpointConfig, EntitySpec, Route
from pierhead.serving.domain.shares import ALL_POINTS, in_percent
from pierhead.serving.domain.sizes import MOST_CONCURRENCY, SIZES

_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class ConfigDraft:
    """A config as asked for. None is left out: an update then keeps what the endpoint has."""

    entities: tuple[EntitySpec, ...] | None = None
    routes: tuple[Route, ...] | None = None
    capture: CaptureConfig | None = None


@dataclass(frozen=True, slots=True)
class SettledConfig:
    """A draft with nothing left open and nothing wrong: the entities by name, in the client's order."""

    entities: dict[str, EntitySpec]
    routes: tuple[Route, ...]
    capture: CaptureConfig | None


def default_entity_name(model_name: str, model_version: str) -> str:
    """The last part of the model's name and the version, in the letters a name may have.

    >>> default_entity_name("main.fraud.classifier", "3")
    'classifier-3'
    """
    ending = f"-{model_version}"
    last_part = re.sub(r"[^A-Za-z0-9_-]", "-", model_name.rpartition(".")[2])
    return last_part[: _LONGEST_NAME - len(ending)] + ending


def settle(endpoint_name: str, draft: ConfigDraft, base: SettledConfig | None = None) -> SettledConfig:
    """Complete a draft by what the endpoint has already (`base`) and by defaults.

    Traffic that is not given goes to the only entity. With several entities the routes of `base` stay if their names
    are still served; otherwise the client must say how to split: any guess would send live traffic somewhere by
    surprise. Raises InvalidArgument with everything that is wrong.
    """
    capture = draft.capture if draft.capture is not None else (base.capture if base else None)
    problems = _name_problems("endpoint", endpoint_name)
    if capture is not None:
        problems += capture.problems(endpoint_name)
    specs = draft.entities if draft.entities is not None else tuple(base.entities.values()) if base else ()
    names = [spec.name or default_entity_name(spec.model_name, spec.model_version) for spec in specs]
    for name, spec in zip(names, specs, strict=True):
        problems += _entity_problems(name, spec)
    problems += [
        f"the name {name!r} is used by {count} served entities: give each its own"
        for name, count in Counter(names).items()
        if count > 1
    ]
    if not specs:
        problems.append("a config needs at least one served entity")
    routes = _routes(draft.routes, names, base)
    problems += _route_problems(routes, names)
    if problems:
        raise InvalidArgument(f"config of endpoint {endpoint_name!r}: {'; '.join(problems)}")
    return SettledConfig(dict(zip(names, specs, strict=True)), routes or (), capture)


def dealt_out(routes: Sequence[Route], active: EndpointConfig | None) -> tuple[Route, ...]:
    """The same routes with their buckets: entities keep by their names what they have in the active config."""
    previous = {route.entity_name: route.ranges for route in active.routes} if active else {}
    ranges = allot(previous, {route.entity_name: route.points for route in routes})
    return tuple(replace(route, ranges=ranges[route.entity_name]) for route in routes)


def _routes(asked: tuple[Route, ...] | None, names: list[str], base: SettledConfig | None) -> tuple[Route, ...] | None:
    if asked is not None:
        return asked
    if len(names) == 1:
        return (Route(names[0], ALL_POINTS),)
    if base is not None and {route.entity_name for route in base.routes} <= set(names):
        return base.routes
    return None


def _name_problems(what: str, name: str) -> list[str]:
    if _NAME.fullmatch(name):
        return []
    return [f"the name {name!r} of the {what} is not of 1 to 63 letters, digits, '_' and '-'"]


def _entity_problems(name: str, spec: EntitySpec) -> list[str]:
    problems = _name_problems("served entity", name)
    if spec.workload_size is not None and spec.workload_size not in SIZES:
        problems.append(f"workload_size {spec.workload_size!r} of {name!r} is not one of {', '.join(SIZES)}")
    problems += _concurrency_problems(name, spec)
    for variable in spec.environment_vars or {}:
        if not _VARIABLE.fullmatch(variable):
            problems.append(f"{variable!r} of {name!r} cannot be the name of an environment variable")
        if variable.startswith("PIERHEAD_"):
            problems.append(f"environment variable {variable!r} of {name!r}: names with PIERHEAD_ are reserved")
    return problems


def _concurrency_problems(name: str, spec: EntitySpec) -> list[str]:
    least, most = spec.min_provisioned_concurrency, spec.max_provisioned_concurrency
    if least is None and most is None:
        return []
    problems = []
    if spec.workload_size is not None:
        problems.append(f"{name!r} has a workload_size and a provisioned concurrency: only one can be given")
    if most is None:
        problems.append(f"{name!r} has a min_provisioned_concurrency without a max_provisioned_concurrency")
    elif not 1 <= most <= MOST_CONCURRENCY:
        problems.append(f"max_provisioned_concurrency {most} of {name!r} is not from 1 to {MOST_CONCURRENCY}")
    if least is not None and (least < 0 or (most is not None and least > most)):
        problems.append(f"min_provisioned_concurrency {least} of {name!r} is not from 0 to the maximum")
    return problems


def _route_problems(routes: tuple[Route, ...] | None, names: list[str]) -> list[str]:
    if routes is None:
        if not names:
            return []
        return [f"{len(names)} served entities and no traffic_config: say how many percent go to each"]
    problems = []
    for route in routes:
        if not 0 <= route.points <= ALL_POINTS:
            problems.append(f"{in_percent(route.points)} for {route.entity_name!r} is not from 0 to 100")
        if route.entity_name not in names:
            problems.append(f"a route names {route.entity_name!r}, which is not served: {', '.join(names)}")
    problems += [
        f"{count} routes lead to {name!r}"
        for name, count in Counter(route.entity_name for route in routes).items()
        if count > 1
    ]
    total = sum(route.points for route in routes)
    if total != ALL_POINTS:
        problems.append(f"the routes add up to {in_percent(total)}, must be 100%")
    return problems
