"""SCIM's filter language (RFC 7644, 3.4.2.2) as conditions of the domain."""

import json
import re
from collections.abc import Iterator, Mapping

from pierhead.identity.domain.queries import And, Compare, Comparison, Condition, Field, Not, Or
from pierhead.kit.errors import InvalidArgument

_MAX_LENGTH = 4000
_MAX_DEPTH = 20
_TOKEN = re.compile(
    r"""\s*(?: (?P<text>"(?:[^"\\]|\\.)*") | (?P<plain>'[^']*') | (?P<mark>[()\[\]]) | (?P<word>[^\s()\[\]"']+) )""",
    re.VERBOSE,
)
_URN = re.compile(r"urn:[\w:.\-]*:(?=\w)", re.IGNORECASE)


def parse_filter(text: str, fields: Mapping[str, Field]) -> Condition:
    """The condition; `fields` are the attributes that can be compared. Raises InvalidArgument."""
    if len(text) > _MAX_LENGTH:
        raise InvalidArgument(f"a filter has at most {_MAX_LENGTH} characters, not {len(text)}")
    return _Parser(text, fields).parse()


def find_field(attribute: str, fields: Mapping[str, Field]) -> Field | None:
    """Attributes are compared without regard to case."""
    return next((field for name, field in fields.items() if name.lower() == attribute.lower()), None)


class _Parser:
    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._text = text
        self._fields = fields
        self._tokens = list(self._split())
        self._at = 0
        self._depth = 0

    def parse(self) -> Condition:
        condition = self._any_of("")
        if self._at < len(self._tokens):
            raise self._refusal(f"{self._tokens[self._at]!r} is one too many")
        return condition

    def _any_of(self, prefix: str) -> Condition:
        parts = [self._all_of(prefix)]
        while self._take_word("or"):
            parts.append(self._all_of(prefix))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all_of(self, prefix: str) -> Condition:
        parts = [self._one(prefix)]
        while self._take_word("and"):
            parts.append(self._one(prefix))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, prefix: str) -> Condition:
        if self._take_word("not"):
            return Not(self._one(prefix))
        if self._take("("):
            return self._enclosed(prefix, ")")
        attribute = prefix + _URN.sub("", self._next("an attribute"))
        if self._take("["):
            return self._enclosed(f"{attribute}.", "]")
        return self._compare(attribute)

    def _enclosed(self, prefix: str, end: str) -> Condition:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._refusal(f"it is nested deeper than {_MAX_DEPTH}")
        condition = self._any_of(prefix)
        if not self._take(end):
            raise self._refusal(f"{end!r} is missing")
        self._depth -= 1
        return condition

    def _compare(self, attribute: str) -> Condition:
        field = find_field(attribute, self._fields)
        if field is None:
            raise self._refusal(f"{attribute!r} is not one of {', '.join(self._fields)}")
        operator = self._next("an operator").lower()
        if operator == "ne":
            return Not(Compare(field, Comparison.EQUALS, self._value()))
        try:
            comparison = Comparison(operator)
        except ValueError:
            raise self._refusal(f"{operator!r} is not one of eq, ne, co, sw, ew, pr") from None
        return Compare(field, comparison, "" if comparison is Comparison.IS_PRESENT else self._value())

    def _value(self) -> str | bool:
        token = self._next("a value")
        if token.startswith('"'):
            try:
                return str(json.loads(token))
            except ValueError:
                raise self._refusal(f"{token} is not a JSON string") from None
        if token.startswith("'"):
            return token[1:-1]
        return {"true": True, "false": False}.get(token.lower(), token)

    def _take_word(self, word: str) -> bool:
        is_there = self._at < len(self._tokens) and self._tokens[self._at].lower() == word
        self._at += is_there
        return is_there

    def _take(self, mark: str) -> bool:
        return self._take_word(mark)

    def _next(self, what: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at] in ("(", ")", "[", "]"):
            raise self._refusal(f"{what} is missing")
        self._at += 1
        return self._tokens[self._at - 1]

    def _split(self) -> Iterator[str]:
        at = 0
        end = len(self._text.rstrip())
        while at < end:
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise self._refusal(f"it cannot be read from {self._text[at:]!r} on")
            yield found[0].strip()
            at = found.end()

    def _refusal(self, fact: str) -> InvalidArgument:
        return InvalidArgument(f'filter {self._text!r}: {fact}; write for example displayName eq "ml-leads"')
