"""Which calls reach MLflow's server. Everything that is not on the list stays outside.

The lists name paths behind the prefix (`/api` and its three twins), `*` for one part.
"""

from enum import Enum

_FORWARDED = """
POST      2.0/mlflow/experiments/create
GET       2.0/mlflow/experiments/get
GET       2.0/mlflow/experiments/get-by-name
GET,POST  2.0/mlflow/experiments/search
POST      2.0/mlflow/experiments/search-datasets
POST      2.0mlflow/experiments/search-datasets
POST      2.0/mlflow/experiments/update
POST      2.0/mlflow/experiments/delete
POST      2.0/mlflow/experiments/restore
POST      2.0/mlflow/experiments/set-experiment-tag
POST      2.0/mlflow/experiments/delete-experiment-tag
POST      2.0/mlflow/runs/create
GET       2.0/mlflow/runs/get
POST      2.0/mlflow/runs/search
POST      2.0/mlflow/runs/update
POST      2.0/mlflow/runs/delete
POST      2.0/mlflow/runs/restore
POST      2.0/mlflow/runs/log-batch
POST      2.0/mlflow/runs/log-inputs
POST      2.0/mlflow/runs/log-metric
POST      2.0/mlflow/runs/log-model
POST      2.0/mlflow/runs/log-parameter
POST      2.0/mlflow/runs/outputs
POST      2.0/mlflow/runs/set-tag
POST      2.0/mlflow/runs/delete-tag
GET       2.0/mlflow/metrics/get-history
GET       2.0/mlflow/metrics/get-history-bulk
GET       2.0/mlflow/metrics/get-history-bulk-interval
GET       2.0/mlflow/artifacts/list
POST      2.0/mlflow/logged-models
POST      2.0/mlflow/logged-models/search
GET       2.0/mlflow/logged-models/*
PATCH     2.0/mlflow/logged-models/*
DELETE    2.0/mlflow/logged-models/*
POST      2.0/mlflow/logged-models/*/params
PATCH     2.0/mlflow/logged-models/*/tags
DELETE    2.0/mlflow/logged-models/*/tags/*
GET       2.0/mlflow/logged-models/*/artifacts/directories
GET       2.0/mlflow/logged-models/*/artifacts/files
GET,POST  2.0/mlflow/traces
PATCH     2.0/mlflow/traces/*
GET       2.0/mlflow/traces/*/info
PATCH     2.0/mlflow/traces/*/tags
DELETE    2.0/mlflow/traces/*/tags
POST      2.0/mlflow/traces/delete-traces
POST      2.0/mlflow/traces/link-to-run
POST      2.0/mlflow/traces/link-prompts
GET       2.0/mlflow/get-trace-artifact
POST      3.0/mlflow/traces
GET       3.0/mlflow/traces/*
GET       3.0/mlflow/traces/get
GET       3.0/mlflow/traces/batchGet
POST      3.0/mlflow/traces/batchGetInfos
POST      3.0/mlflow/traces/search
POST      3.0/mlflow/traces/metrics
POST      3.0/mlflow/traces/calculate-filter-correlation
POST      3.0/mlflow/traces/delete-traces
PATCH     3.0/mlflow/traces/*/tags
DELETE    3.0/mlflow/traces/*/tags
POST      3.0/mlflow/traces/*/assessments
GET       3.0/mlflow/traces/*/assessments/*
PATCH     3.0/mlflow/traces/*/assessments/*
DELETE    3.0/mlflow/traces/*/assessments/*
GET       3.0/mlflow/get-trace-artifact
POST      3.0/mlflow/datasets/create
GET,POST  3.0/mlflow/datasets/search
GET       3.0/mlflow/datasets/*
DELETE    3.0/mlflow/datasets/*
GET       3.0/mlflow/datasets/*/experiment-ids
POST      3.0/mlflow/datasets/*/add-experiments
POST      3.0/mlflow/datasets/*/remove-experiments
GET       3.0/mlflow/datasets/*/records
POST      3.0/mlflow/datasets/*/records
DELETE    3.0/mlflow/datasets/*/records
PATCH     3.0/mlflow/datasets/*/tags
DELETE    3.0/mlflow/datasets/*/tags/*
GET       3.0/mlflow/server-info
GET,POST  3.0/mlflow/ui-telemetry
"""

_PAGES = """
GET       mlflow
GET       mlflow/get-artifact
GET       mlflow/version
GET,POST  mlflow/graphql
POST      mlflow/v1/traces
GET       version
POST      v1/traces
"""
"""Paths without a prefix: MLflow's web page and its files, and two calls that clients make on the bare address."""

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
    parts = tuple(path.removeprefix("/").removesuffix("/").split("/"))
    if any(part in ("", ".", "..") or not part.isprintable() or "\\" in part for part in parts):
        return Verdict.UNKNOWN
    method = "GET" if method == "HEAD" else method
    behind = _behind_prefix(parts)
    if _is_forwarded(method, parts, behind):
        return Verdict.FORWARD
    named = behind or parts
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


def forwarded_calls() -> list[tuple[str, str]]:
    """Every method and path behind the prefix that is let through, `*` for one part."""
    return [(method, "/".join(pattern)) for (method, _), group in _API_PATTERNS.items() for pattern in group]


def _is_forwarded(method: str, parts: Pattern, behind: Pattern | None) -> bool:
    if behind is not None:
        return any(_matches(pattern, behind) for pattern in _API_PATTERNS.get((method, len(behind)), ()))
    if parts[:2] == _STATIC:
        return method == "GET" and len(parts) > 2
    return parts in _PAGE_PATTERNS.get((method, len(parts)), ())


def _behind_prefix(parts: Pattern) -> Pattern | None:
    for prefix in _PREFIXES:
        if parts[: len(prefix)] == prefix:
            return parts[len(prefix) :]
    return None


def _matches(pattern: Pattern, parts: Pattern) -> bool:
    return all(expected in ("*", part) for expected, part in zip(pattern, parts, strict=True))


def _begins_with_one_of(prefixes: frozenset[Pattern], parts: Pattern) -> bool:
    return any(parts[:length] in prefixes for length in range(1, len(parts) + 1))


def _patterns(text: str) -> dict[tuple[str, int], list[Pattern]]:
    patterns: dict[tuple[str, int], list[Pattern]] = {}
    for line in text.split("\n"):
        methods, _, path = line.partition(" ")
        parts = tuple(path.strip().split("/"))
        for method in methods.split(",") if methods else ():
            patterns.setdefault((method, len(parts)), []).append(parts)
    return patterns


_API_PATTERNS = _patterns(_FORWARDED)
_PAGE_PATTERNS = _patterns(_PAGES)
_OUR_PREFIXES = frozenset(tuple(path.split("/")) for path in _OURS.split())
_REFUSED_PREFIXES = frozenset(tuple(path.split("/")) for path in _REFUSED.split())
