"""Reads YAML that strangers wrote, in bounded time and memory.

The C parser of PyYAML recurses without a limit, so deep input ends the process; the pure one is used, and what the
document is made of is looked at before anything is built from it.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event, NodeEvent, ScalarEvent

MOST_BYTES = 1024 * 1024
MOST_LINES = 20_000
MOST_DEPTH = 50
MOST_NODES = 20_000
_MERGE_KEY = "<<"


class UnreadableYaml(ValueError):
    """The text is no YAML, or none that is read here; the message says why in one line."""


def parse_yaml(raw: bytes) -> Any:
    r"""What one document holds: mappings, lists, text, booleans and None. Numbers and dates stay text.

    Raises UnreadableYaml, also for aliases, merge keys and tags, and for what is too large, too deep or too long.

    >>> parse_yaml(b"python: 3.10\nbuild: [true, null]")
    {'python': '3.10', 'build': [True, None]}
    """
    if len(raw) > MOST_BYTES:
        raise UnreadableYaml(f"it is larger than {MOST_BYTES} bytes")
    if len(raw.splitlines()) > MOST_LINES:
        raise UnreadableYaml(f"it has more than {MOST_LINES} lines")
    try:
        _check(raw)
        return yaml.load(raw, Loader=_PlainLoader)
    except UnreadableYaml:
        raise
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableYaml(f"it is no YAML: {' '.join(str(error).split())[:300]}") from None


def read_yaml(path: Path) -> Any:
    """As `parse_yaml`, of a file. Raises OSError too."""
    with path.open("rb") as file:
        return parse_yaml(file.read(MOST_BYTES + 1))


_KEPT_TYPES = (":null", ":bool")
_Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


def _kept_resolvers() -> _Resolvers:
    every: _Resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    return {first: [each for each in some if each[0].endswith(_KEPT_TYPES)] for first, some in every.items()}


class _PlainLoader(yaml.SafeLoader):
    """Tells null and booleans from text, and nothing else: a version 3.10 is not 3.1, and long numbers take long."""


_PlainLoader.yaml_implicit_resolvers = _kept_resolvers()


def _check(raw: bytes) -> None:
    depth = nodes = 0
    for event in yaml.parse(raw, Loader=yaml.SafeLoader):
        nodes += isinstance(event, NodeEvent)
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise UnreadableYaml(f"it is nested more than {MOST_DEPTH} deep")
        if nodes > MOST_NODES:
            raise UnreadableYaml(f"it has more than {MOST_NODES} values")
        _refuse_tricks(event)


def _refuse_tricks(event: Event) -> None:
    if isinstance(event, AliasEvent):
        raise UnreadableYaml(f"it uses an alias (*{event.anchor}); write the value out")
    if isinstance(event, ScalarEvent) and event.value == _MERGE_KEY and event.style is None:
        raise UnreadableYaml("it uses a merge key (<<); write the values out")
    if isinstance(event, CollectionStartEvent | ScalarEvent) and event.tag is not None:
        raise UnreadableYaml(f"it uses a tag ({event.tag}); leave it out")
