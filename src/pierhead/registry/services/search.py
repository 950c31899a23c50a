"""Finding models and versions, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Readable
from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.filters import parse_query
from pierhead.registry.domain.models import ModelVersion, RegisteredModel
from pierhead.registry.domain.pages import Position, decode_token, encode_token
from pierhead.registry.domain.queries import (
    MODELS,
    VERSIONS,
    Attribute,
    Field,
    Namespace,
    Operator,
    Order,
    Query,
    Subject,
)
from pierhead.registry.store.search import Page, SearchStore, kinds_of

Found = TypeVar("Found")

MOST_MODELS = 1000
MOST_VERSIONS = 200_000
_NEWEST_FIRST = (Order(Field.NUMBER, False),)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client asks for: a filter and an order in MLflow's language, a token of the page before."""

    limit: int
    filter: str = ""
    order_by: Sequence[str] = ()
    token: str | None = None


class Searches:
    """Every item is on exactly one of the pages, as long as nothing changes its place meanwhile."""

    def __init__(self, connection: Connection, readable: Readable) -> None:
        self._store = SearchStore(connection, readable)

    def find_models(self, ask: Ask, within: Namespace | None = None) -> tuple[Sequence[RegisteredModel], str | None]:
        """One page and the token of the next, None if this is the last. Raises InvalidArgument."""
        query, after = _parse(MODELS, ask, MOST_MODELS)
        return _page(query, self._store.find_models(query, after, ask.limit, within))

    def find_versions(self, ask: Ask, within: Namespace | None = None) -> tuple[Sequence[ModelVersion], str | None]:
        """One page and the token of the next, None if this is the last. Raises InvalidArgument."""
        query, after = _parse(VERSIONS, ask, MOST_VERSIONS)
        return _page(query, self._store.find_versions(query, after, ask.limit, within))

    def list_versions(self, name: str, ask: Ask) -> tuple[Sequence[ModelVersion], str | None]:
        """The versions of one model, the newest first; `ask` has neither filter nor order."""
        query = Query((Attribute(Field.NAME, Operator.EQUAL, name),), _NEWEST_FIRST, wants_prompts=True)
        return _page(query, self._store.find_versions(query, _after(query, ask), ask.limit))


def _parse(subject: Subject, ask: Ask, most: int) -> tuple[Query, Position | None]:
    if not 1 <= ask.limit <= most:
        raise InvalidArgument(
            f"Invalid value for request parameter max_results. It must be at least 1 and at most {most}, "
            f"but got value {ask.limit}"
        )
    query = parse_query(subject, ask.filter, ask.order_by)
    return query, _after(query, ask)


def _after(query: Query, ask: Ask) -> Position | None:
    return decode_token(query, ask.token, kinds_of(query.order)) if ask.token else None


def _page(query: Query, page: Page[Found]) -> tuple[Sequence[Found], str | None]:
    return page.items, None if page.end is None else encode_token(query, page.end)
