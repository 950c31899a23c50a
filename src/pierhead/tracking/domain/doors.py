"""Which calls reach MLflow's server, and by what rule. Everything that is not on a list stays outside."""

from dataclasses import dataclass
from enum import Enum

from pierhead.tracking.domain.claims import Claim, parse_claims
from pierhead.tracking.domain.forwarded import FORWARDED, PAGES

_STATIC = ("mlflow", "static-files")

_OURS = """
2.0/mlflow/registered-models
2.0/mlflow/model-versions
2.0/mlflow/unity-catalog
2.0/mlflow/databricks
2.0/mlflow/transition-requests
2.0/mlflow/comments
2.0/mlflow/registry-webhooks
2.0/mlflow-artifacts
mlflow/model-versions
"""
"""Calls that other doors of ours answer; what they leave unanswered does not exist."""

_REFUSED = """
2.0/mlflow/webhooks
2.0/mlflow/gateway-proxy
2.0/mlflow/upload-artifact
2.0/mlflow/runs/create-promptlab-run
2.0/mlflow/artifacts/presigned-download-url
2.0/mlflow/artifacts/presigned-upload-url
2.0/mlflow/artifacts/credentials-for-read
2.0/mlflow/artifacts/credentials-for-write
2.0/mlflow/get-online-trace-details
2.0/mlflow/unified-traces
2.0/mlflow/users
2.0/mlflow/roles
2.0/mlflow-artifacts/presigned
3.0/jobs
3.0/mlflow/assistant
3.0/mlflow/demo
3.0/mlflow/gateway
3.0/mlflow/genai
3.0/mlflow/issues
3.0/mlflow/jobs
3.0/mlflow/label-schemas
3.0/mlflow/mcp-servers
3.0/mlflow/prompt-optimization
3.0/mlflow/review-queues
3.0/mlflow/scorer
3.0/mlflow/scorers
3.0/mlflow/workspaces
mlflow/gateway
"""
"""Calls that MLflow knows and this platform does not offer."""

_PREFIXES = (("mlflow", "ajax-api"), ("mlflow", "api"), ("ajax-api",), ("api",))

Pattern = tuple[str, ...]

# MLflow declares this path without the slash after the version and answers it in one place only.
_SEARCH_DATASETS = "/mlflow/ajax-api/2.0/mlflow/experiments/search-datasets"


class Rule(Enum):
    """How a call finds out what it touches; values are the words of the list."""

    OPEN = "open"
    CLAIMS = "claims"
    CREATE = "create"
    LIST_EXPERIMENTS = "list experiments"
    LIST_DATASETS = "list datasets"
    SPANS = "spans"
    GRAPHQL = "graphql"


@dataclass(frozen=True, slots=True)
class Door:
    """One call that is let through: the method, the path behind its prefix, and what it touches."""

    method: str
    pattern: Pattern
    rule: Rule
    claims: tuple[Claim, ...] = ()

    @property
    def path(self) -> str:
        return "/".join(self.pattern)


class Verdict(Enum):
    """What happens to a call."""

    FORWARD = "forward"
    OURS = "ours"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def classify(method: str, path: str) -> Verdict:
    """What happens to `method path`; the path is decoded and begins with '/'.

    >>> classify("POST", "/ajax-api/2.0/mlflow/runs/create")
    <Verdict.FORWARD: 'forward'>
    >>> classify("POST", "/api/2.0/mlflow/model-versions/transition-stage")
    <Verdict.OURS: 'ours'>
    """
    if find_door(method, path) is not None:
        return Verdict.FORWARD
    parts = _parts(path)
    if parts is None:
        return Verdict.UNKNOWN
    named = _behind_prefix(parts) or parts
    if _begins_with_one_of(_REFUSED_PREFIXES, named):
        return Verdict.REFUSED
    return Verdict.OURS if _begins_with_one_of(_OUR_PREFIXES, named) else Verdict.UNKNOWN


def child_path(path: str) -> str:
    """The path at MLflow's server, which lives under `/mlflow` as a whole, for a path that is forwarded.

    >>> child_path("/api/2.0/mlflow/runs/get/"), child_path("/mlflow/")
    ('/mlflow/api/2.0/mlflow/runs/get', '/mlflow/')
    """
    trimmed = path.removesuffix("/")
    if trimmed == "/mlflow":
        return "/mlflow/"
    if trimmed.endswith("mlflow/experiments/search-datasets"):
        return _SEARCH_DATASETS
    return trimmed if trimmed.startswith("/mlflow/") else "/mlflow" + trimmed


def doors() -> list[Door]:
    """Every call that is let through, files of the web page left aside."""
    return [door for table in (_API_DOORS, _PAGE_DOORS) for group in table.values() for door in group]


def forwarded_calls() -> list[tuple[str, str]]:
    """Every method and path behind the prefix that is let through, `*` for one part."""
    return [(door.method, door.path) for group in _API_DOORS.values() for door in group]


def find_door(method: str, path: str) -> tuple[Door, tuple[str, ...]] | None:
    """The call that is let through as `method path`, and the parts of the path behind its `*`; None if none is."""
    parts = _parts(path)
    if parts is None:
        return None
    method = "GET" if method == "HEAD" else method
    if parts[:2] == _STATIC:
        return (_FILE, ()) if method == "GET" and len(parts) > 2 else None
    behind = _behind_prefix(parts)
    table = _PAGE_DOORS if behind is None else _API_DOORS
    named = behind or parts
    for door in table.get((method, len(named)), ()):
        if _matches(door.pattern, named):
            return door, tuple(part for expected, part in zip(door.pattern, named, strict=True) if expected == "*")
    return None


def _parts(path: str) -> Pattern | None:
    parts = tuple(path.removeprefix("/").removesuffix("/").split("/"))
    is_odd = any(part in ("", ".", "..") or not part.isprintable() or "\\" in part for part in parts)
    return None if is_odd else parts


def _behind_prefix(parts: Pattern) -> Pattern | None:
    for prefix in _PREFIXES:
        if parts[: len(prefix)] == prefix:
            return parts[len(prefix) :]
    return None


def _matches(pattern: Pattern, parts: Pattern) -> bool:
    return all(expected in ("*", part) for expected, part in zip(pattern, parts, strict=True))


def _begins_with_one_of(prefixes: frozenset[Pattern], parts: Pattern) -> bool:
    return any(parts[:length] in prefixes for length in range(1, len(parts) + 1))


def _table(text: str) -> dict[tuple[str, int], list[Door]]:
    """The doors of a list by method and length of path; those without a `*` first, as MLflow's server prefers them."""
    found: dict[tuple[str, int], list[Door]] = {}
    for line in text.strip().split("\n"):
        methods, path, what = line.split(maxsplit=2)
        pattern = tuple(path.split("/"))
        for method in methods.split(","):
            found.setdefault((method, len(pattern)), []).append(_door(method, pattern, what))
    return {key: sorted(group, key=lambda door: door.pattern.count("*")) for key, group in found.items()}


def _door(method: str, pattern: Pattern, what: str) -> Door:
    word, _, claims = what.partition("; ")
    if word in _WORDS:
        return Door(method, pattern, _WORDS[word], parse_claims(claims) if claims else ())
    return Door(method, pattern, Rule.CLAIMS, parse_claims(what))


_WORDS = {rule.value: rule for rule in Rule}
_API_DOORS = _table(FORWARDED)
_PAGE_DOORS = _table(PAGES)
_FILE = Door("GET", _STATIC, Rule.OPEN)
_OUR_PREFIXES = frozenset(tuple(path.split("/")) for path in _OURS.split())
_REFUSED_PREFIXES = frozenset(tuple(path.split("/")) for path in _REFUSED.split())
