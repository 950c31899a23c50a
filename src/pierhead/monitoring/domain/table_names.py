"""The tables of one endpoint: `{prefix}_payload`, `{prefix}_requests`, `{prefix}_labels`."""

_PAYLOAD = "_payload"


def requests_of(payload: str) -> str | None:
    """The table of predictions beside a payload table; None if it is no table of an endpoint.

    >>> requests_of("main.wine.quality_payload"), requests_of("main.wine.other")
    ('main.wine.quality_requests', None)
    """
    return _sibling(payload, "requests")


def labels_of(payload: str) -> str | None:
    """The table of labels beside a payload table; None if it is no table of an endpoint."""
    return _sibling(payload, "labels")


def _sibling(payload: str, what: str) -> str | None:
    prefix = payload.removesuffix(_PAYLOAD)
    return f"{prefix}_{what}" if prefix != payload and not prefix.endswith(".") else None
