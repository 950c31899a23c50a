"""What becomes of an inference record in its table."""

import base64
import math

from pierhead.gateway.records import InferenceRecord

_FIRST_MS_AFTER_YEAR_9999 = 253_402_300_800_000
_BINARY = "application/octet-stream"


def text_of(body: bytes | None, content_type: str = _BINARY) -> str | None:
    """A body as the text of a table's cell: itself if it is UTF-8, else a `data:` URI with the bytes in Base64.

    No JSON text begins with `data:`, so the two cannot be confused.

    >>> text_of(b'{"predictions": [1]}')
    '{"predictions": [1]}'
    >>> text_of(bytes([0, 255]), "application/vnd.apache.parquet; v=1")
    'data:application/vnd.apache.parquet;base64,AP8='
    """
    if body is None:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        kind = content_type.partition(";")[0].strip().lower()
        kind = _BINARY if not kind or "," in kind else kind
        return f"data:{kind};base64,{base64.b64encode(body).decode()}"


def whole_ms(duration_ms: float) -> int:
    """Milliseconds as the table counts them.

    >>> whole_ms(1.5)
    2
    """
    return round(duration_ms)


def problem_of(record: InferenceRecord) -> str | None:
    """Why the record has no place in a table, or None if it has."""
    if not 0 <= record.timestamp_ms < _FIRST_MS_AFTER_YEAR_9999:
        return f"timestamp_ms {record.timestamp_ms} is not between 1970 and 9999"
    if not 0 <= record.status_code < 1000:
        return f"status_code {record.status_code} is not an HTTP status"
    if not (math.isfinite(record.execution_duration_ms) and abs(record.execution_duration_ms) < 2**53):
        return f"execution_duration_ms {record.execution_duration_ms} is not a duration"
    if abs(record.config_version) >= 2**63:
        return f"config_version {record.config_version} is not a version"
    if record.bucket is not None and not 0 <= record.bucket < 10_000:
        return f"bucket {record.bucket} is not one of 10,000"
    return None
