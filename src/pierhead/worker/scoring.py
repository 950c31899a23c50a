"""One invocation: bytes in, bytes out, with MLflow's own decoding, schema enforcement and encoding."""

import contextlib
import json
import re
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from pierhead.worker.wording import plain_message, reason_of

JSON = "application/json"

_HUGE_INTEGER = re.compile(rb"[0-9]{4301}")

_LLM_KEYS = ("messages", "prompt", "input")


class Answer(NamedTuple):
    """What goes back to the caller; `cause` is what the model's own code raised, if it did."""

    status: int
    body: bytes
    content_type: str = JSON
    cause: BaseException | None = None

    @property
    def is_refusal(self) -> bool:
        return self.status != 200

    @property
    def message(self) -> str:
        """The message of a refusal."""
        return str(json.loads(self.body)["message"])


def refusal(status: int, code: str, message: str, cause: BaseException | None = None) -> Answer:
    body = json.dumps({"error_code": code, "message": message}).encode()
    return Answer(status, body, cause=cause)


class NoScoring(Exception):
    """The environment's MLflow has no scoring function that we know."""


class Scorer:
    """Answers invocations of one loaded model. Used by one thread at a time."""

    def __init__(self, model: Any) -> None:
        """`model` is an `mlflow.pyfunc.PyFuncModel`. Raises NoScoring."""
        self._model = model
        self._schema = model.metadata.get_input_schema()
        self._invocations, self._mlflow_error = _scoring_functions()
        self._trace_after_s = 0.0

    def score(self, content_type: str, body: bytes) -> Answer:
        """Never raises. A missing content type means JSON."""
        content_type = content_type or JSON
        try:
            outcome = self._invocations(without_request_id(content_type, body), content_type, self._model, self._schema)
        except self._mlflow_error as error:
            return self._mlflow_refusal(error)
        except RecursionError:
            return refusal(400, "BAD_REQUEST", "the request body is nested too deeply")
        except Exception as error:
            if isinstance(error, ValueError) and _HUGE_INTEGER.search(body):
                # Python's own limit, which its JSON reader runs into.
                return refusal(400, "BAD_REQUEST", "the request body holds an integer of more than 4,300 digits")
            self._log_trace(error)
            return refusal(500, "INTERNAL_ERROR", f"the model's answer could not be written: {reason_of(error)}", error)
        except BaseException as error:
            self._log_trace(error)
            return refusal(500, "INTERNAL_ERROR", f"the model failed: {reason_of(error)}", error)
        if outcome.status != 200:
            return refusal(outcome.status, "BAD_REQUEST", plain_message(outcome.response))
        return Answer(200, outcome.response.encode(), outcome.mimetype)

    def _mlflow_refusal(self, error: Any) -> Answer:
        cause = error.__context__
        # MLflow hides what the model's own code raised behind one sentence that helps nobody.
        if cause is None or "unexpected error while evaluating the model" not in error.message:
            return refusal(error.get_http_status_code(), error.error_code, plain_message(error.message))
        self._log_trace(cause)
        if isinstance(cause, MemoryError):
            return refusal(500, "INTERNAL_ERROR", "the model ran out of memory on this input", cause)
        return refusal(400, "BAD_REQUEST", f"the model refused this input: {reason_of(cause)}", cause)

    def _log_trace(self, error: BaseException) -> None:
        # One a second at most: callers with bad input must not fill the disk.
        now = time.monotonic()
        if now < self._trace_after_s:
            return
        self._trace_after_s = now + 1.0
        with contextlib.suppress(OSError):
            # The disk may be full.
            traceback.print_exception(type(error), error, error.__traceback__, chain=False, file=sys.stderr)


def without_request_id(content_type: str, body: bytes) -> bytes:
    """The body without `client_request_id`, which is for the platform and which some models would take for input.

    MLflow itself drops unknown keys beside the data, except in the formats of language models.

    >>> without_request_id("application/json", b'{"prompt": "x", "client_request_id": "7"}')
    b'{"prompt": "x"}'
    """
    if b'"client_request_id"' not in body or not content_type.startswith(JSON):
        return body
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(fields, dict) or not any(key in fields for key in _LLM_KEYS):
        return body
    fields.pop("client_request_id", None)
    return json.dumps(fields).encode()


def _scoring_functions() -> tuple[Callable[..., Any], type[Exception]]:
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.pyfunc.scoring_server import invocations
    except ImportError as error:
        import mlflow

        raise NoScoring(
            f"mlflow {mlflow.__version__} in the model's environment cannot score ({error}); log the version again "
            "with mlflow 2.9 or newer"
        ) from error
    return invocations, MlflowException
