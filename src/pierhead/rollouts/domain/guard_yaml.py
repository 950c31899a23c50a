"""The rollout policy as YAML, the file that administrators keep."""

from collections.abc import Mapping

from pierhead.kit.bounded_yaml import UnreadableYaml, parse_yaml
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.yaml_reader import Document, Reader, lines_of
from pierhead.rollouts.domain.guard import Mode, RolloutPolicy, Rule
from pierhead.rollouts.domain.spec_yaml import read_spec

MOST_RULES = 200

DEFAULT_POLICY_TEXT = """\
# The first rule that speaks of an endpoint decides. Where none does, endpoints tagged environment=production and those
# that serve a version in Production are `enforce`, all others `warn`. Modes are off, warn, enforce and auto.
override: {groups: [admins]}
rules: []
"""

_KEYS = ("override", "rules")
_NOBODY: frozenset[str] = frozenset()
_RULE_KEYS = ("endpoints", "tags", "mode", "override", "spec")


class InvalidRolloutPolicy(InvalidArgument):
    """A policy that cannot be read; `problems` are sentences with path and line, all of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the rollout policy cannot be read:" + "".join(f"\n  - {problem}" for problem in problems))
        self.problems = tuple(problems)


def parse_policy(raw: bytes) -> RolloutPolicy:
    """The policy in a document `{override: {groups: [...]}, rules: [...]}`. Raises InvalidRolloutPolicy.

    >>> parse_policy(b"rules: [{endpoints: ['demo-*'], mode: off}]").rules[0].mode
    <Mode.OFF: 'off'>
    """
    try:
        value = parse_yaml(raw)
    except UnreadableYaml as error:
        raise InvalidRolloutPolicy([str(error)]) from None
    lines, doubles = lines_of(raw)
    document = Document(lines, doubles)
    policy = _read_policy(Reader(value, (), document))
    if document.problems:
        raise InvalidRolloutPolicy(document.problems)
    return policy


def default_policy() -> RolloutPolicy:
    return parse_policy(DEFAULT_POLICY_TEXT.encode())


def _read_policy(reader: Reader) -> RolloutPolicy:
    entries = reader.entries(_KEYS)
    groups = entries.read("override", _read_override, _NOBODY)
    return RolloutPolicy(entries.read("rules", lambda each: _read_rules(each, groups), ()), groups)


def _read_rules(reader: Reader, groups: frozenset[str]) -> tuple[Rule, ...]:
    items = reader.items()
    if len(items) > MOST_RULES:
        reader.refuse(f"there are {len(items)} rules; at most {MOST_RULES} are read")
        return ()
    return tuple(_read_rule(item, groups) for item in items)


def _read_rule(reader: Reader, groups: frozenset[str]) -> Rule:
    """A rule that names no `override` of its own has that of the whole policy."""
    entries = reader.entries(_RULE_KEYS, required=("mode",))
    endpoints: tuple[str, ...] = entries.read("endpoints", Reader.texts, ())
    return Rule(
        mode=entries.read("mode", lambda each: each.choice(Mode), Mode.WARN),
        endpoints=tuple(glob.lower() for glob in endpoints),
        tags=entries.read("tags", _read_tags, {}),
        override_groups=entries.read("override", _read_override, groups),
        spec=entries.read("spec", read_spec, None),
    )


def _read_tags(reader: Reader) -> Mapping[str, str]:
    children = reader.children()
    if not children:
        reader.refuse("at least one tag is needed, like `environment: production`")
    return {key.lower(): child.text().lower() for key, child in children}


def _read_override(reader: Reader) -> frozenset[str]:
    entries = reader.entries(("groups",), required=("groups",))
    return entries.read("groups", lambda each: frozenset(each.parsed(str)), _NOBODY)
