"""Every name finds its way through a path, and no path breaks anything."""

from hypothesis import given
from hypothesis import strategies as st

from pierhead.gateway.routing import invocation_target


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
