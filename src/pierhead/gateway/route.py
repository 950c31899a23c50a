"""A served entity under its endpoint's config, with all that is the same for each invocation made beforehand."""

from functools import lru_cache

from pierhead.gateway.counts import Counts
from pierhead.gateway.http.answers import JSON, header_value
from pierhead.gateway.records import CANDIDATE, PRIMARY
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute


class Route:
    """Immutable, but for `counts`."""

    __slots__ = (
        "counts",
        "endpoint",
        "entity",
        "entity_lines",
        "is_watched",
        "json_lines",
        "observed_by",
        "record_tail",
        "role",
        "sampling_rate",
        "shadow_rate",
        "table",
        "verify_rate",
    )

    def __init__(self, endpoint: EndpointRoute, entity: EntityRoute, counts: Counts) -> None:
        self.endpoint = endpoint
        self.entity = entity
        self.counts = counts
        self.table = None if endpoint.capture is None else endpoint.capture.table
        self.sampling_rate = 0.0 if endpoint.capture is None else endpoint.capture.sampling_rate
        self.verify_rate = endpoint.verify_rate if entity.is_compiled else 0.0
        ramp = endpoint.ramp
        self.role = CANDIDATE if ramp is not None and ramp.entity == entity.name else PRIMARY
        self.observed_by = tuple(endpoint.observed_by)
        self.shadow_rate = 0.0 if ramp is None or self.role is CANDIDATE else ramp.shadow_rate
        """Share of its invocations that are copied to the candidate, 0-1."""
        self.is_watched = bool(self.observed_by or self.shadow_rate)
        """Whether anything becomes of its invocations besides an answer and a record."""
        self.entity_lines = b"served-model-name: %b\r\n" % header_value(entity.name)
        self.json_lines = JSON + self.entity_lines
        self.record_tail = (
            endpoint.name,
            endpoint.endpoint_id,
            endpoint.config_version,
            entity.entity_id,
            entity.name,
            entity.model_name,
            entity.model_version,
        )
        """The fields of an inference record from `endpoint_name` to `model_version`."""

    def lines_of(self, content_type: str) -> bytes:
        """The header lines of an answer in this content type."""
        if content_type == "application/json":
            return self.json_lines
        return _content_type_line(content_type) + self.entity_lines


@lru_cache(maxsize=1024)
def _content_type_line(content_type: str) -> bytes:
    return b"content-type: %b\r\n" % header_value(content_type)
