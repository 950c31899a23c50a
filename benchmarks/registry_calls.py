"""The reads that are measured, as the official clients send them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.registry_rows import DEEP, RUNS_OF, name_of, run_of

_OSS = "/api/2.0/mlflow"


@dataclass(frozen=True, slots=True)
class Read:
    """`path` gives the address for each turn, so that no call meets what the one before has warmed.

    `found` takes out of an answer what `expected` must be equal to.
    """

    title: str
    path: Callable[[int], str]
    found: Callable[[Mapping[str, Any]], Any]
    expected: Any = 1


def reads(models: int, versions: int, second_page: str) -> list[Read]:
    """What must be fast; `second_page` is the token of the second page of DEEP's versions, 1000 a page."""

    def model(turn: int) -> str:
        # Of the catalog `lab`, which every caller may read.
        return name_of((2 + 4 * turn * 37) % (models - models % 4))

    def version(turn: int) -> int:
        return 1 + turn * 7919 % versions

    deep = f"name='{DEEP}'"
    return [
        Read("get model", lambda turn: _oss("registered-models/get", name=model(turn)), _latest, 3),
        Read("get the deep model", lambda _: _oss("registered-models/get", name=DEEP), _latest, 4),
        Read("get version", lambda turn: _version(version(turn)), _is_there("model_version")),
        Read(
            "get by alias",
            lambda turn: _oss("registered-models/alias", name=model(turn), alias="champion"),
            _is_there("model_version"),
        ),
        Read("latest versions", lambda _: _oss("registered-models/get-latest-versions", name=DEEP), _versions, 4),
        Read("search models, 100 a page", lambda _: _models(), _registered, 100),
        Read("name LIKE", lambda turn: _models(f"name LIKE 'lab.team0{turn % 5}%'"), _registered, 100),
        Read("tag =", lambda turn: _models(f"tags.team = 'team{2 + turn * 4 % 40:02}'"), _registered, 50),
        Read("order_by timestamp", lambda _: _models(order_by="last_updated_timestamp DESC"), _registered, 100),
        Read("search versions, name =, 100 a page", lambda _: _found(deep, 100), _versions, 100),
        Read("the same, 1000 a page", lambda _: _found(deep, 1000), _versions, 1000),
        Read("the same, page 2", lambda _: _found(deep, 1000, second_page), _versions, 1000),
        Read("run_id =", lambda turn: _found(f"run_id='{run_of(RUNS_OF * (1 + turn))}'", 1000), _versions, RUNS_OF),
        Read(
            "name = and tag =", lambda _: _found(f"{deep} AND tags.candidate = 'yes'", 1000), _versions, versions // 100
        ),
        Read("all versions, 100 a page", lambda _: _found("", 100), _versions, 100),
        Read("UC 2.1: versions of a model, 100 a page", lambda _: _listed(100), _versions, 100),
    ]


def whole(versions: int) -> list[Read]:
    """What MLflow's client asks for if its user does not say how many."""
    return [Read("10,000 versions on one page", lambda _: _found(f"name='{DEEP}'", 10_000), _versions, versions)]


def first_page() -> str:
    """The address whose answer has the token for `reads`."""
    return _found(f"name='{DEEP}'", 1000)


def _oss(what: str, **query: object) -> str:
    return f"{_OSS}/{what}?{urlencode(query)}"


def _version(number: int) -> str:
    return _oss("model-versions/get", name=DEEP, version=number)


def _models(filter_text: str = "", **query: object) -> str:
    return _oss("registered-models/search", filter=filter_text, max_results=100, **query)


def _found(filter_text: str, limit: int, token: str = "") -> str:
    page = {"page_token": token} if token else {}
    return _oss("model-versions/search", filter=filter_text, max_results=limit, **page)


def _listed(limit: int) -> str:
    return f"/api/2.1/unity-catalog/models/{quote(DEEP)}/versions?max_results={limit}"


def _latest(answer: Mapping[str, Any]) -> int:
    return len(answer["registered_model"]["latest_versions"])


def _is_there(key: str) -> Callable[[Mapping[str, Any]], int]:
    return lambda answer: int(bool(answer[key]["version"]))


def _versions(answer: Mapping[str, Any]) -> int:
    return len(answer["model_versions"])


def _registered(answer: Mapping[str, Any]) -> int:
    return len(answer["registered_models"])
