"""The config in which a new version takes the place of another."""

from datetime import UTC, datetime

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.rollouts.domain.drafting import draft_with
from pierhead.serving.domain.endpoints import ConfigStatus, EndpointConfig, EntitySpec, Route, ServedEntity


def config(*entities: tuple[str, str, int]) -> EndpointConfig:
    """Entities by name, model and points."""
    served = tuple(
        ServedEntity(name, name, EntitySpec(model, "1", name, workload_size="Medium", environment_vars={"A": "1"}), "d")
        for name, model, _ in entities
    )
    routes = tuple(Route(name, points) for name, _, points in entities)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return EndpointConfig("e", 1, ConfigStatus.ACTIVE, served, routes, None, "ada", now)


def test_the_entity_of_the_same_model_is_replaced_with_its_settings_and_its_share() -> None:
    draft = draft_with("fraud", config(("a", "m", 9000), ("b", "n", 1000)), EntitySpec("m", "2"), None)
    assert draft.entities is not None
    new, other = draft.entities
    assert (new.model_version, new.name, new.workload_size, new.environment_vars) == ("2", "a", "Medium", {"A": "1"})
    assert other.model_name == "n"
    assert draft.routes == (Route("a", 9000), Route("b", 1000))


def test_what_the_new_one_says_of_itself_counts() -> None:
    draft = draft_with("fraud", config(("a", "m", 10_000)), EntitySpec("other", "7", "z", workload_size="Large"), None)
    assert draft.entities is not None
    (new,) = draft.entities
    assert (new.model_name, new.name, new.workload_size) == ("other", "z", "Large")
    assert draft.routes == (Route("z", 10_000),)


@pytest.mark.parametrize(
    ("replaces", "words"), [(None, "2 served entities of m"), ("c", "no served entity 'c'")], ids=["unclear", "unknown"]
)
def test_it_must_be_clear_whose_place_it_takes(replaces: str | None, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        draft_with("fraud", config(("a", "m", 5000), ("b", "m", 5000)), EntitySpec("m", "2"), replaces)
    named = draft_with("fraud", config(("a", "m", 5000), ("b", "m", 5000)), EntitySpec("m", "2"), "b")
    assert named.entities is not None
    assert [entity.model_version for entity in named.entities] == ["1", "2"]
