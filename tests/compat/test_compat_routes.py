from harness.platform import Platform
from harness.routes import ask, client_routes, documented


def test_every_route_of_the_official_clients_is_served_or_says_that_it_is_not(platform: Platform) -> None:
    answers = {route: ask(platform, route) for route in client_routes()}

    assert {route: answer for route, answer in answers.items() if answer not in ("yes", "501")} == {}
    # What the page says is what the platform does; `harness.routes` writes the page anew.
    assert answers == documented()
