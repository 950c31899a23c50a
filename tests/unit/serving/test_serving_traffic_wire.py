import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.api.traffic_wire import read_routes
from pierhead.serving.domain.endpoints import Route


def asked(*percents: object) -> dict[str, object]:
    return {"routes": [{"served_entity_name": f"m-{i}", "traffic_percentage": each} for i, each in enumerate(percents)]}


def test_percent_with_two_decimals_are_points() -> None:
    assert read_routes(asked(95.1, "4.9", 0)).routes == (Route("m-0", 9510), Route("m-1", 490), Route("m-2", 0))
    assert read_routes(asked(0.07, 99.93)).routes == (Route("m-0", 7), Route("m-1", 9993))


def test_an_answer_can_be_sent_back_as_it_is() -> None:
    params = {"routes": [{"served_entity_name": "m-1", "traffic_percentage": 100.0, "ranges": [[0, 10_000]]}]}
    assert read_routes(params).routes == (Route("m-1", 10_000),)


@pytest.mark.parametrize("value", [0.001, "much", True, None, [5], float("nan"), float("inf"), "1e999999999"], ids=repr)
def test_what_is_no_percent_with_two_decimals_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument, match=r"routes\[0\].traffic_percentage must be a number"):
        read_routes(asked(value))


def test_a_request_without_routes_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="needs routes"):
        read_routes({"routes": []})
