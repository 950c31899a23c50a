"""What a call touches: the fields by which it names things, and what it does to the experiments that hold them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pierhead.identity.domain.objects import Action
from pierhead.kit.errors import InvalidArgument
from pierhead.tracking.domain.experiments import DEFAULT_ID, experiment_id
from pierhead.tracking.domain.fields import Way, merged, rewrite, way, with_default


class Thing(Enum):
    """What calls name. Values are the words of the table of calls."""

    EXPERIMENT = "experiment"
    EXPERIMENT_NAME = "name"
    RUN = "run"
    MODEL = "model"
    TRACE = "trace"
    ASSESSMENT = "assessment"
    DATASET = "dataset"


class IfUnknown(Enum):
    """What becomes of a call that names a thing that does not exist."""

    REFUSE = auto()
    PASS = auto()
    """It makes the thing, or only notes its name."""
    LEAVE_OUT = auto()
    """It searches in many, and this one holds nothing."""


@dataclass(frozen=True, slots=True)
class Named:
    """One thing that a call named."""

    action: Action
    thing: Thing
    id: str
    if_unknown: IfUnknown = IfUnknown.REFUSE


@dataclass(frozen=True, slots=True)
class Claim:
    """A place in calls of one kind where things are named.

    `star` counts the `*` of the path from 1; 0 stands for a field at `steps`. With both, the field says the same again
    and is set to what the path says. `is_required` and `default` are for fields alone.
    """

    action: Action
    thing: Thing
    steps: Way = ()
    star: int = 0
    is_required: bool = True
    default: str | None = None
    if_unknown: IfUnknown = IfUnknown.REFUSE

    @property
    def field(self) -> str:
        return ".".join(step.name + "[]" * step.is_list for step in self.steps)


_ACTIONS = {"read": Action.READ, "write": Action.WRITE, "edit": Action.EDIT, "manage": Action.MANAGE}


def parse_claims(text: str) -> tuple[Claim, ...]:
    """The claims of one line of the table: `write run run_id; write model metrics[].model_id?`.

    Behind a field stand `?` if it may be missing, `~` if what it names may be missing or unknown, `=0` for MLflow's
    default experiment. Lists may be empty, `+` refuses that. `*2` is the second `*` of the path, `*1=model_id` says
    that the body may name it again.

    >>> [(claim.action.name, claim.thing.name, claim.field) for claim in parse_claims("read run run_id")]
    [('READ', 'RUN', 'run_id')]
    """
    return tuple(_claim(part.strip()) for part in text.split(";"))


def _claim(text: str) -> Claim:
    verb, noun, field = text.split(" ")
    action, thing = _ACTIONS[verb], Thing(noun)
    if field.startswith("*"):
        star, _, again = field[1:].partition("=")
        return Claim(action, thing, way(again) if again else (), int(star))
    name = field.rstrip("?~+").removesuffix("=0")
    steps = way(name)
    is_list = any(step.is_list for step in steps)
    if_unknown = IfUnknown.REFUSE
    if field.endswith("~"):
        if_unknown = IfUnknown.PASS
    elif is_list and action is Action.READ and thing in (Thing.EXPERIMENT, Thing.TRACE):
        if_unknown = IfUnknown.LEAVE_OUT
    is_required = field.endswith("+") or not (is_list or field[-1] in "?~")
    default = DEFAULT_ID if "=0" in field else None
    return Claim(action, thing, steps, 0, is_required, default, if_unknown)


def read_call(
    claims: Sequence[Claim], stars: Sequence[str], fields: Mapping[str, Any]
) -> tuple[list[Named], dict[str, Any]]:
    """Everything that a call names, and its fields as they may go on: each under one name, each id in one form.

    `stars` are the parts of the path behind its `*`. Raises InvalidArgument.
    """
    named: list[Named] = []
    rebuilt = dict(fields)
    for claim in claims:
        found, rebuilt = _read_star(claim, stars, rebuilt) if claim.star else _read_field(claim, rebuilt)
        named.extend(found)
    # MLflow's server reads fields in their order up to the first that it cannot read, and then goes on without the
    # rest: what names something comes first, lest it takes its default for it.
    first = {_top(claim): rebuilt[_top(claim)] for claim in claims if _top(claim) in rebuilt}
    return named, first | rebuilt


def without(claims: Sequence[Claim], fields: Mapping[str, Any], unknown: frozenset[Named]) -> dict[str, Any] | None:
    """The fields without things that do not exist; None if nothing is left to search in."""
    rebuilt = dict(fields)
    for claim in claims:
        if claim.if_unknown is not IfUnknown.LEAVE_OUT:
            continue
        left: list[str] = []
        ids = {named.id for named in unknown if named.thing is claim.thing}
        rebuilt = _visited(rebuilt, claim, lambda id, ids=ids, left=left: None if id in ids else _noted(id, left))
        if ids and not left:
            return None
    return rebuilt


def _top(claim: Claim) -> str:
    return claim.steps[0].name if claim.steps else ""


def _read_star(claim: Claim, stars: Sequence[str], fields: dict[str, Any]) -> tuple[list[Named], dict[str, Any]]:
    id = stars[claim.star - 1]
    if claim.steps:
        for said in _texts(claim, fields):
            if said != id:
                raise InvalidArgument(f"parameter '{claim.field}' is {said!r}, but the address says {id!r}")
        fields = _visited(fields, claim, lambda said: said) | {claim.field: id}
    return [Named(claim.action, claim.thing, id, claim.if_unknown)], fields


def _read_field(claim: Claim, fields: dict[str, Any]) -> tuple[list[Named], dict[str, Any]]:
    if claim.field == "run_id":
        # Clients of all ages send both names, and MLflow's server takes one or the other.
        fields = merged(fields, "run_id", "run_uuid")
    if claim.default is not None:
        fields = with_default(fields, claim.field, claim.default)
    ids: list[str] = []
    canonical = experiment_id if claim.thing is Thing.EXPERIMENT else str
    fields = _visited(fields, claim, lambda text: _noted(canonical(text), ids))
    if claim.is_required and not ids:
        raise InvalidArgument(f"missing value for required parameter '{claim.field}'")
    return [Named(claim.action, claim.thing, id, claim.if_unknown) for id in dict.fromkeys(ids)], fields


def _texts(claim: Claim, fields: Mapping[str, Any]) -> Iterator[str]:
    found: list[str] = []
    rewrite(fields, claim.steps, lambda text: _noted(text, found))
    return iter(found)


def _visited(fields: Mapping[str, Any], claim: Claim, visit: Any) -> dict[str, Any]:
    rebuilt = rewrite(fields, claim.steps, visit)
    return {} if rebuilt is None else rebuilt


def _noted(text: str, into: list[str]) -> str:
    into.append(text)
    return text
