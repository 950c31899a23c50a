"""Policies as YAML: reads a set of them, and says everything that is wrong with it at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from pierhead.kit.bounded_yaml import UnreadableYaml, parse_yaml
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.yaml_reader import Document, Entries, Reader, lines_of
from pierhead.registry.domain.check_records import DATA_VERSION, NoParams
from pierhead.registry.domain.checks import CHECKS
from pierhead.registry.domain.policies import (
    EVERYBODY,
    Approve,
    BreakGlass,
    CheckUse,
    Match,
    Mode,
    Policy,
    PolicySet,
    Provenance,
    Role,
)
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.windows import parse_window

MOST_POLICIES = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,62}")
_TARGET_KEYS = ("stages", "aliases", "endpoints", "endpoint_tags")
_POLICY_KEYS = (
    "name",
    "match",
    "mode",
    "provenance",
    "request",
    "approve",
    "direct",
    "expires",
    "from_stages",
    "freeze_windows",
    "rollback_within",
    "break_glass",
    "checks",
)
_DEFAULT_EXPIRY = timedelta(hours=72)
_DEFAULT_REVIEW = timedelta(hours=72)
_MOST_APPROVALS = 20
_EVERYBODY_WORDS = frozenset({EVERYBODY, "account users"})


class InvalidPolicies(InvalidArgument):
    """A set of policies that cannot be read; `problems` are sentences with path and line, all of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the policies cannot be read:" + "".join(f"\n  - {problem}" for problem in problems))
        self.problems = tuple(problems)


def parse_policies(raw: bytes, *, revision: int = 0) -> PolicySet:
    """The set in a document `{name, policies: [...]}`. Raises InvalidPolicies.

    >>> parse_policies(b"{name: a, policies: [{name: p, match: {stages: [Staging]}}]}").policies[0].direct
    False
    """
    try:
        value = parse_yaml(raw)
    except UnreadableYaml as error:
        raise InvalidPolicies([str(error)]) from None
    lines, doubles = lines_of(raw)
    document = Document(lines, doubles)
    found = _read_set(Reader(value, (), document), revision)
    if document.problems:
        raise InvalidPolicies(document.problems)
    return found


def _read_set(reader: Reader, revision: int) -> PolicySet:
    entries = reader.entries(("name", "policies"), required=("name", "policies"))
    return PolicySet(entries.read("name", _read_name, ""), revision, entries.read("policies", _read_policies, ()))


def _read_policies(reader: Reader) -> tuple[Policy, ...]:
    items = reader.items()
    if not 1 <= len(items) <= MOST_POLICIES:
        reader.refuse(f"there are {len(items)} policies; 1 to {MOST_POLICIES} are read")
        return ()
    policies = tuple(_read_policy(item) for item in items)
    seen: set[str] = set()
    for item, policy in zip(items, policies, strict=True):
        if policy.name in seen:
            item.refuse(f"there is another policy '{policy.name}' before; names differ within a set")
        seen.add(policy.name)
    return policies


def _read_name(reader: Reader) -> str:
    name = reader.text()
    if name and not _NAME.fullmatch(name):
        reader.refuse(f"{name!r} is no name: at most 63 letters, digits, '_' and '-' make one")
    return name


def _read_policy(reader: Reader) -> Policy:
    entries = reader.entries(_POLICY_KEYS, required=("name", "match"))
    match = entries.read("match", _read_match, Match(()))
    approve = entries.read("approve", _read_approve, None)
    provenance = _read_provenance(entries, match)
    direct = entries.read("direct", Reader.flag, False)
    if direct and approve is None:
        reader.refuse("`direct` lets approvers act by themselves, and there is no `approve` that names them")
    return Policy(
        name=entries.read("name", _read_name, ""),
        match=match,
        mode=entries.read("mode", _read_mode, Mode.ENFORCE),
        provenance=provenance,
        request_groups=entries.read("request", _read_request, frozenset({EVERYBODY})),
        approve=approve,
        direct=direct,
        expires=entries.read("expires", Reader.duration, _DEFAULT_EXPIRY),
        from_stages=entries.read("from_stages", _read_stages, frozenset()),
        freeze_windows=entries.read("freeze_windows", lambda each: each.parsed(parse_window), ()),
        rollback_within=entries.read("rollback_within", Reader.duration, None),
        break_glass=entries.read("break_glass", _read_break_glass, None),
        checks=_with_data_version(entries.read("checks", _read_checks, ()), provenance),
    )


def _read_mode(reader: Reader) -> Mode:
    return reader.choice(Mode)


def _read_match(reader: Reader) -> Match:
    entries = reader.entries(("models", *_TARGET_KEYS))
    if not any(key in entries for key in _TARGET_KEYS):
        reader.refuse(f"it names no target; at least one of {', '.join(_TARGET_KEYS)} is needed")
    return Match(
        models=_lower(entries.read("models", Reader.texts, ("*",))),
        stages=entries.read("stages", _read_stages, frozenset()),
        aliases=_lower(entries.read("aliases", Reader.texts, ())),
        endpoints=_lower(entries.read("endpoints", Reader.texts, ())),
        endpoint_tags=entries.read("endpoint_tags", _read_tags, {}),
    )


def _lower(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.lower() for text in texts)


def _read_tags(reader: Reader) -> Mapping[str, str]:
    children = reader.children()
    if not children:
        reader.refuse("at least one tag is needed, like `environment: production`")
    return {key.lower(): child.text().lower() for key, child in children}


def _read_stages(reader: Reader) -> frozenset[Stage]:
    items = reader.items()
    if not items:
        reader.refuse(f"at least one stage is needed, of {', '.join(stage.value for stage in Stage)}")
    return frozenset(item.choice(Stage) for item in items)


def _read_groups(reader: Reader) -> frozenset[str]:
    return frozenset(EVERYBODY if text in _EVERYBODY_WORDS else text for text in reader.texts())


def _read_request(reader: Reader) -> frozenset[str]:
    entries = reader.entries(("groups",), required=("groups",))
    return entries.read("groups", _read_groups, frozenset())


def _read_approve(reader: Reader) -> Approve:
    entries = reader.entries(("groups", "count", "distinct_from"), required=("groups",))
    return Approve(
        groups=entries.read("groups", _read_groups, frozenset()),
        count=entries.read("count", lambda each: each.count(1, _MOST_APPROVALS), 1),
        distinct_from=entries.read("distinct_from", _read_roles, frozenset(Role)),
    )


def _read_roles(reader: Reader) -> frozenset[Role]:
    """An empty list is allowed, and waives four eyes in the open."""
    return frozenset(item.choice(Role) for item in reader.items())


def _read_break_glass(reader: Reader) -> BreakGlass:
    entries = reader.entries(("groups", "review_by", "review_within"), required=("groups", "review_by"))
    return BreakGlass(
        groups=entries.read("groups", _read_groups, frozenset()),
        review_by=entries.read("review_by", _read_groups, frozenset()),
        review_within=entries.read("review_within", Reader.duration, _DEFAULT_REVIEW),
    )


def _read_provenance(entries: Entries, match: Match) -> Provenance:
    usual = Provenance.REQUIRE_FOR_PRODUCTION if match.gates_production else Provenance.OFF

    def read(reader: Reader) -> Provenance:
        mode = reader.choice(Provenance)
        if mode is not Provenance.OFF and not match.gates_production:
            reader.refuse(
                "it belongs to a policy whose match has the stage Production; the check data_version does not"
            )
        return mode

    return entries.read("provenance", read, usual)


def _with_data_version(checks: tuple[CheckUse, ...], provenance: Provenance) -> tuple[CheckUse, ...]:
    """The checks with the one that `provenance` asks for, unless it is there already."""
    if provenance is Provenance.OFF or any(use.name == DATA_VERSION.name for use in checks):
        return checks
    mode = Mode.WARN if provenance is Provenance.WARN else Mode.ENFORCE
    return (*checks, CheckUse(DATA_VERSION.name, NoParams(), mode))


def _read_checks(reader: Reader) -> tuple[CheckUse, ...]:
    return tuple(use for item in reader.items() for use in _read_check(item))


def _read_check(reader: Reader) -> Iterator[CheckUse]:
    """`signature`, or `artifact_scan: {mode: warn, ...}`: the mode is every check's, the rest its own parameters."""
    pairs = [(reader.value, replace(reader, value=None))] if isinstance(reader.value, str) else reader.children()
    if len(pairs) != 1:
        reader.refuse("one check is needed here, by its name or as `name: {parameter: value}`")
    for name, params in pairs:
        check = CHECKS.get(name)
        if check is None:
            params.refuse(f"there is no check '{name}'; there are {', '.join(CHECKS)}")
            continue
        mode = Mode.ENFORCE
        if isinstance(params.value, dict) and "mode" in params.value:
            mode = Reader(params.value["mode"], (*params.path, "mode"), params.document).choice(Mode)
            params = replace(params, value={key: each for key, each in params.value.items() if key != "mode"})
        yield CheckUse(name, check.read(params), mode)
