"""Routing by weight, whatever the weights are."""

from hypothesis import given
from hypothesis import strategies as st

from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.routing import choose, invocation_target, pick
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute

weights = st.lists(st.integers(0, 100), min_size=1, max_size=10)
draws = st.floats(0, 1, exclude_max=True)


def entities_of(given_weights: list[int]) -> list[EntityRoute]:
    return [
        EntityRoute(f"entity-{number}", str(number), "m", "1", weight, [])
        for number, weight in enumerate(given_weights)
    ]


@given(weights, draws)
def test_an_entity_of_weight_0_never_gets_a_request(given_weights: list[int], draw: float) -> None:
    entity = pick(entities_of(given_weights), draw)

    assert (entity is None) == (sum(given_weights) == 0)
    assert entity is None or entity.weight > 0


@given(weights)
def test_shares_converge_to_the_weights(given_weights: list[int]) -> None:
    entities = entities_of(given_weights)
    total = sum(given_weights)
    draws_even = [(number + 0.5) / 1000 for number in range(1000)]
    chosen = [pick(entities, draw) for draw in draws_even]

    for entity in entities:
        share = sum(one is entity for one in chosen) / 1000
        assert total == 0 or abs(share - entity.weight / total) <= 0.002


@given(weights, draws)
def test_the_same_draw_goes_the_same_way(given_weights: list[int], draw: float) -> None:
    entities = entities_of(given_weights)

    assert pick(entities, draw) is pick(entities, draw)


@given(st.integers(0, 99), st.integers(0, 100), draws)
def test_a_growing_canary_gives_nobody_back(before: int, growth: int, draw: float) -> None:
    after = min(100, before + growth)
    first = pick(entities_of([before, 100 - before]), draw)
    then = pick(entities_of([after, 100 - after]), draw)

    assert first is not None
    assert then is not None
    assert first.name != "entity-0" or then.name == "entity-0"


@given(weights, draws, st.sampled_from([None, "entity-0", "nobody"]))
def test_a_choice_is_an_entity_or_a_reason(given_weights: list[int], draw: float, name: str | None) -> None:
    endpoint = EndpointRoute("fraud", "e1", 1, entities_of(given_weights))

    choice = choose(endpoint, name, draw)

    if name == "nobody":
        assert isinstance(choice, Refusal)
        assert choice.status == 404
    elif name is not None:
        assert isinstance(choice, EntityRoute)
        assert choice.name == name
    else:
        assert isinstance(choice, Refusal) == (sum(given_weights) == 0)


@given(st.text(min_size=1), st.text(min_size=1) | st.none())
def test_every_name_finds_its_way_through_a_path(endpoint: str, entity: str | None) -> None:
    from urllib.parse import quote

    middle = "" if entity is None else "/served-models/" + quote(entity, safe="", errors="replace")
    path = f"/serving-endpoints/{quote(endpoint, safe='', errors='replace')}{middle}/invocations"

    target = invocation_target(path.encode())

    assert target is not None
    assert target.endpoint == endpoint.encode("utf-8", "replace").decode()
    assert target.entity == (None if entity is None else entity.encode("utf-8", "replace").decode())


@given(st.binary(max_size=60))
def test_no_path_breaks_the_routing(path: bytes) -> None:
    invocation_target(b"/serving-endpoints/" + path)
    assert invocation_target(b"/api/2.0/serving-endpoints/x/invocations") is None
