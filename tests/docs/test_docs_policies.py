"""The policy reference shows policies that can be applied, and leaves no key out."""

import re
from pathlib import Path

import pytest

from pierhead.registry.domain.checks import CHECKS
from pierhead.registry.domain.policy_yaml import InvalidPolicies, parse_policies

PAGE = (Path(__file__).parents[2] / "docs/reference/policies.md").read_text()


def test_the_examples_can_be_read() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    assert examples
    for example in examples:
        parse_policies(example.encode())


def test_every_key_and_every_check_is_explained() -> None:
    with pytest.raises(InvalidPolicies) as caught:
        parse_policies(b"name: a\npolicies: [{name: p, match: {stages: [Staging]}, nonsense: 1}]")
    keys = caught.value.problems[0].partition("allowed are ")[2].split(", ")
    assert len(keys) > 10
    explained = set(re.findall(r"^\| `(\w+)", PAGE, re.M))
    assert {*keys, *CHECKS} - explained == {"name"}
