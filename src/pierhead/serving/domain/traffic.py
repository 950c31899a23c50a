"""What each gateway counts, kept as one JSON file per gateway under `run/gateways/`, rewritten every second."""

import msgspec

# All floats: to find a bucket among whole numbers takes three times as long, several times for every request.
_SHORT_MS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
LATENCY_BOUNDS_MS = (*_SHORT_MS, 1000.0, 2000.0, 5000.0, 10000.0, 30000.0, 60000.0, 120000.0)
"""Upper bounds of the latency histogram's buckets, milliseconds; one more bucket takes the rest."""


class EntityTraffic(msgspec.Struct):
    """Counters since the gateway's start, one for each served entity that the gateway knows.

    `latency_counts` has one entry per bound and one for the rest. When an entity goes over to another model version its
    counters begin anew, but for `concurrency_ms`, which never falls in a gateway's life.
    """

    endpoint: str
    entity: str
    requests_by_status: dict[str, int]
    latency_counts: list[int]
    latency_sum_ms: float
    in_flight: int
    """Invocations without an answer at this moment, wherever they are: the next three are among them."""
    waiting: int = 0
    """Those that no worker has and that wait for one of the entity's `sockets`."""
    native_in_flight: int = 0
    """Those in the hands of a worker of the original because a compiled one handed them back."""
    native_waiting: int = 0
    """Those that wait for a worker of the original, for the same reason."""
    concurrency_ms: float = 0.0
    """The integral of `in_flight` over time, ms: the difference of two readings divided by the time between them is
    the average concurrency."""
    model_name: str = ""
    model_version: str = ""
    declined: int = 0
    """How many invocations compiled workers handed back."""
    workers: int = 0
    """How many of the entity's workers the gateway is connected to."""
    native_workers: int = 0
    """How many workers of the original, for what compiled ones hand back."""
    queue_counts: list[int] = []
    """Of those that a worker answered, how long they waited besides for a wake-up; counts as in `latency_counts`."""
    queue_sum_ms: float = 0.0
    wakeup_counts: list[int] = []
    """Of those among them that waited for a worker to start, how long."""
    wakeup_sum_ms: float = 0.0
    predict_counts: list[int] = []
    """Of those that a worker answered, how long the model took."""
    predict_sum_ms: float = 0.0
    shadow_requests_by_status: dict[str, int] = {}
    """Copies of other entities' invocations that this one was given. All other counters leave them out."""
    shadow_latency_counts: list[int] = []
    """Of those that a worker had, from its getting them on; [] if there was none."""
    shadow_latency_sum_ms: float = 0.0
    shadows_in_flight: int = 0
    """Copies in the workers' hands."""
    shadows_waiting: int = 0
    shadows_dropped: int = 0
    """Copies that no worker ever had: too many of them, too large, too long in the queue, or wanted no more."""


class GatewayTraffic(msgspec.Struct):
    """Written every second, and at once when an invocation must wait because its entity has no worker."""

    gateway_id: str
    process_id: int
    records_dropped: int
    entities: list[EntityTraffic]
    limited: dict[str, int] = {}
    """How many invocations a limit sent away (429) before they had a served entity, by endpoint."""
    samples_dropped: int = 0
    """How many samples for verification found no room."""
    observations_dropped: int = 0
    """How many records for rollouts and A/B tests could not be written."""
    records_dropped_by_table: dict[str, int] = {}
    """Of `records_dropped`, by the full name of the table that they were for."""
