"""Tags that say how inference tables are kept."""

import pytest

from pierhead.serving.domain.endpoints import Tag
from pierhead.serving.domain.table_tags import ENTITY_KEY, MASKED, RETENTION, Mask, TablePolicy, table_policy
from pierhead.serving.domain.tags import tag_problems


def test_tags_say_how_tables_are_kept() -> None:
    tags = [Tag(RETENTION, "30"), Tag(MASKED, "ssn:drop,e-mail, name:hash"), Tag(ENTITY_KEY, "customer")]
    assert tag_problems(tags) == []
    assert table_policy(tags) == TablePolicy(
        {"ssn": Mask.DROP, "e-mail": Mask.HASH, "name": Mask.HASH}, retention_days=30, entity_key="customer"
    )


def test_without_tags_everything_is_kept_for_ever() -> None:
    assert table_policy([Tag("team", "fraud")]) == TablePolicy()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (RETENTION, "0"),
        (RETENTION, "-1"),
        (RETENTION, "a week"),
        (RETENTION, "36501"),
        (RETENTION, "9999999"),
        (RETENTION, None),
        (MASKED, ""),
        (MASKED, "ssn:shred"),
        (MASKED, ":hash"),
        (ENTITY_KEY, None),
    ],
)
def test_a_tag_that_cannot_be_followed_is_refused(key: str, value: str | None) -> None:
    (problem,) = tag_problems([Tag(key, value)])
    assert key in problem
