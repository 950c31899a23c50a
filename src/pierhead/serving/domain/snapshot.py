"""The routing snapshot: all that a gateway knows. Numbered, immutable, kept on disk as JSON.

The controller writes a new one under a higher number whenever something changes; gateways follow it and go on with the
last good one when nothing writes any more.
"""

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """Whom a token belongs to. `expires_at_ms` is milliseconds since 1970, None for never."""

    user_id: str
    user_name: str
    groups: list[str]
    expires_at_ms: int | None = None


class EntityRoute(msgspec.Struct, frozen=True):
    """A served entity of the active config: where its workers listen. No worker means: hold requests, one is coming."""

    name: str
    entity_id: str
    model_name: str
    model_version: str
    weight: int
    """Percent of the traffic, 0-100, rounded: `ranges` say it to the hundredth."""
    sockets: list[str]
    """Paths of the unix sockets of ready workers."""
    is_compiled: bool = False
    """Whether those workers run a compiled artifact and hand back what only the original can answer."""
    native_sockets: list[str] = []
    """Workers of the original that answer what compiled ones hand back; none means: hold it, one is coming."""
    batches: bool = False
    """Whether requests may share a batch: then a worker may hold as many as its batch takes."""
    ranges: list[tuple[int, int]] = []
    """Half-open ranges of the 10,000 buckets. [] in every entity of an endpoint: they follow from `weight`."""
    revision: str = ""
    """Digest of the artifact that compiled workers run; "" where none do."""
    trouble: str = ""
    """Why no worker can be started although one is wanted: nobody is held for one then; "" where one is coming."""


class RampRoute(msgspec.Struct, frozen=True):
    """A part of the traffic that goes to the candidate of a pending config, and the copies that it gets besides.

    A unit goes to the candidate if its bucket under `salt` is below `points`; all others are dealt out by the entities'
    own ranges, under the endpoint's salt.
    """

    entity: str
    """Name among the endpoint's `entities`, where it has neither weight nor ranges."""
    points: int
    """Hundredths of a percent, 0-10000; 0 also while no worker of the candidate is ready."""
    salt: str
    shadow_rate: float = 0.0
    """Share of the other requests that are copied to the candidate, 0-1."""
    shadow_timeout_s: float = 5.0
    shadow_concurrency: int = 4
    """Copies under way at the same time in one gateway."""
    shadow_queue: int = 64
    """Copies that wait in one gateway; those beyond are dropped."""


class RateLimit(msgspec.Struct, frozen=True):
    """At most `calls` invocations a minute: by all callers together, by each user, or by a group's members together."""

    calls: int
    key: str
    """`endpoint`, `user` or `group`; `user` without a principal is the default of every user."""
    principal: str | None = None
    """User name or group name."""


class Capture(msgspec.Struct, frozen=True):
    """The inference table that invocations go to."""

    table: str
    """Three-part name; also the folder in the spool."""
    sampling_rate: float = 1.0


class EndpointRoute(msgspec.Struct, frozen=True):
    """An endpoint: `entities` is empty while nothing is live, and `reason` says why."""

    name: str
    endpoint_id: str
    config_version: int
    entities: list[EntityRoute]
    reason: str = ""
    capture: Capture | None = None
    timeout_s: float | None = None
    """None means the gateway's default. Counts from the moment at which there is a worker to take the invocation."""
    hold_timeout_s: float = 300.0
    """How long an invocation may wait for the first worker of an entity that has none, before `timeout_s` counts."""
    query_groups: frozenset[str] | None = None
    """Groups whose members may query; None means everybody, and is what files of older releases say by silence."""
    query_users: frozenset[str] = frozenset()
    """Ids of users and service principals who may query besides."""
    rate_limits: list[RateLimit] = []
    verify_rate: float = 0.0
    """Share of the invocations of compiled entities that is kept to be compared with the original, 0-1."""
    unit: str = ""
    """What a request is dealt out by: `header:NAME`, `field:NAME`, "" for its id."""
    salt: str = ""
    """Key of the hash that makes buckets of units; "" means `endpoint_id`."""
    ramp: RampRoute | None = None
    observed_by: list[str] = []
    """Ids of the rollouts and A/B tests that invocations are recorded for."""
    observe_rate: float = 1.0
    """Share of the invocations, but the candidate's, that is recorded for them, 0-1; the candidate's always are."""


class Snapshot(msgspec.Struct, frozen=True):
    """`principals` by SHA-256 of the token in hex; `endpoints` by name."""

    number: int
    principals: dict[str, Principal]
    endpoints: dict[str, EndpointRoute]


_SNAPSHOT = msgspec.json.Decoder(Snapshot)

EMPTY = Snapshot(number=0, principals={}, endpoints={})


def encode(snapshot: Snapshot) -> bytes:
    return msgspec.json.encode(snapshot)


def decode(raw: bytes) -> Snapshot:
    """Raises msgspec.DecodeError (ValidationError included) if `raw` is no snapshot."""
    return _SNAPSHOT.decode(raw)
