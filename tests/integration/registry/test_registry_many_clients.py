"""Many clients at the same model through the doors."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from registry_world import World

from harness.http import Answer

CLIENTS, VERSIONS = 8, 200


def test_200_versions_that_8_clients_register_get_200_numbers(world: World) -> None:
    world.create_model("main.a.b")
    for client in range(CLIENTS):
        world.logged_model(f"models:/m-{client}")
    _ = world.app
    start = Barrier(CLIENTS)

    def register_some(client: int) -> list[Answer]:
        start.wait(30)
        body = {"name": "main.a.b", "source": f"models:/m-{client}", "tags": [{"key": "client", "value": str(client)}]}
        path = "/api/2.0/mlflow/model-versions/create"
        return [world.call("POST", path, body) for _ in range(VERSIONS // CLIENTS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(register_some, range(CLIENTS)))

    assert {answer.status for some in answers for answer in some} == {200}
    given = {
        int(answer.json()["model_version"]["version"]): str(client)
        for client, some in enumerate(answers)
        for answer in some
    }
    assert sorted(given) == list(range(1, VERSIONS + 1))
    found = world.mlflow("GET", "model-versions/search", filter="name='main.a.b'", max_results="1000")["model_versions"]
    assert {int(each["version"]): each["tags"][0]["value"] for each in found} == given
    assert {each["status"] for each in found} == {"READY"}
    for numbers in ([int(one.json()["model_version"]["version"]) for one in some] for some in answers):
        assert numbers == sorted(numbers)
