"""Types of columns as SQL writes them, read."""

import re

from pierhead.catalog.domain.column_types import (
    DEEPEST,
    PRIMITIVES,
    SQL_NAMES,
    DeltaType,
    array,
    decimal,
    map_,
    struct_field,
)
from pierhead.kit.errors import InvalidArgument

_DELTA_NAMES = {sql: delta for delta, sql in SQL_NAMES.items()}
_TOKEN = re.compile(r"\s*([A-Za-z_][\w]*|\d+|`(?:[^`]|``)+`|[<>(),:])")


def from_sql(text: str) -> DeltaType:
    """The type that SQL writes so, without constraints. Raises InvalidArgument.

    >>> from_sql("BIGINT"), from_sql("decimal(10, 2)")
    ('long', 'decimal(10,2)')
    >>> from_sql("array<int>")
    {'type': 'array', 'elementType': 'integer', 'containsNull': True}
    """
    return _SqlType(text).read()


class _SqlType:
    """One reading of a type in SQL, token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def read(self) -> DeltaType:
        found = self._type(0)
        if self._at < len(self._tokens):
            raise self._wrong()
        return found

    def _type(self, depth: int) -> DeltaType:
        if depth > DEEPEST:
            raise self._wrong()
        word = self._next().lower()
        match word:
            case "array":
                self._take("<")
                element = self._type(depth + 1)
                self._take(">")
                return array(element)
            case "map":
                self._take("<")
                key = self._type(depth + 1)
                self._take(",")
                value = self._type(depth + 1)
                self._take(">")
                return map_(key, value)
            case "struct":
                return self._struct(depth)
            case "decimal" | "dec" | "numeric":
                return self._decimal()
            case "char" | "varchar":
                self._skip_length()
                return "string"
        delta = _DELTA_NAMES.get(word, word)
        if delta not in PRIMITIVES:
            raise self._wrong()
        return delta

    def _struct(self, depth: int) -> DeltaType:
        self._take("<")
        fields = []
        while True:
            name = self._next()
            if not name[0].isalpha() and name[0] not in "_`":
                raise self._wrong()
            if self._peek() == ":":
                self._take(":")
            fields.append(struct_field(_unquoted(name), self._type(depth + 1)))
            if self._next_of(",", ">") == ">":
                return {"type": "struct", "fields": fields}

    def _decimal(self) -> str:
        if self._peek() != "(":
            return decimal(10, 0)
        self._take("(")
        precision, scale = self._number(), 0
        if self._next_of(",", ")") == ",":
            scale = self._number()
            self._take(")")
        return decimal(precision, scale)

    def _skip_length(self) -> None:
        if self._peek() == "(":
            self._take("(")
            self._number()
            self._take(")")

    def _number(self) -> int:
        token = self._next()
        if not token.isdigit() or len(token) > 9:
            raise self._wrong()
        return int(token)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise self._wrong()
        self._at += 1
        return token

    def _take(self, token: str) -> None:
        self._next_of(token)

    def _next_of(self, *tokens: str) -> str:
        token = self._next()
        if token not in tokens:
            raise self._wrong()
        return token

    def _wrong(self) -> InvalidArgument:
        return InvalidArgument(f"{self._text[:200]!r} is not a type of a column, like 'bigint' or 'array<string>'")


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = _TOKEN.match(stripped, at)
        if found is None:
            raise InvalidArgument(f"{text[:200]!r} is not a type of a column, like 'bigint' or 'array<string>'")
        tokens.append(found[1])
        at = found.end()
    return tokens


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
