import base64

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.filters import parse_query
from pierhead.registry.domain.pages import decode_token, encode_token
from pierhead.registry.domain.queries import MODELS, Query

QUERY = parse_query(MODELS, "name LIKE 'a%'", ["timestamp DESC"])


def test_a_token_leads_back_to_its_place() -> None:
    token = encode_token(QUERY, (1_700_000_000_000_000, "é"))

    assert decode_token(QUERY, token, [int, str]) == (1_700_000_000_000_000, "é")


@pytest.mark.parametrize(
    "other", [parse_query(MODELS, "name LIKE 'b%'", ["timestamp DESC"]), parse_query(MODELS, "name LIKE 'a%'", [])]
)
def test_a_token_belongs_to_its_query(other: Query) -> None:
    with pytest.raises(InvalidArgument, match="another search"):
        decode_token(other, encode_token(QUERY, (1, "a")), [int, str])


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "!!!!",
        "é",
        base64.urlsafe_b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b"5").decode(),
        base64.urlsafe_b64encode(b"[" * 9000).decode(),
        encode_token(QUERY, ("a", 1)),
        encode_token(QUERY, (1,)),
        encode_token(QUERY, (2**63, "a")),
    ],
)
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="Invalid page token"):
        decode_token(QUERY, token, [int, str])
