"""Waiting for an endpoint, with the server's own words on the way."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.output import say

_PAUSE_S = 0.5
_LONGEST_SILENCE_S = 30.0
"""A server that restarts is back by then."""
_FAILED = ("UPDATE_FAILED", "UPDATE_CANCELED")


@dataclass(frozen=True, slots=True)
class Progress:
    """What an endpoint's body says of its way to readiness."""

    is_ready: bool
    has_failed: bool
    story: str


def progress_of(endpoint: dict[str, Any]) -> Progress:
    state = endpoint.get("state") or {}
    update, ready = state.get("config_update"), state.get("ready")
    stories = [_story_of(entity) for entity in _newest_entities(endpoint)]
    return Progress(
        is_ready=update == "NOT_UPDATING" and ready == "READY",
        has_failed=update in _FAILED,
        story="; ".join(filter(None, stories)) or f"{ready}, {update}",
    )


def find_entity(endpoint: dict[str, Any]) -> str | None:
    """The name of the served entity that one wants to read about: of the newest config the failed one, or the first."""
    entities = _newest_entities(endpoint)
    failed = [e for e in entities if str((e.get("state") or {}).get("deployment", "")).endswith("FAILED")]
    return next((str(entity["name"]) for entity in (*failed, *entities) if entity.get("name")), None)


def wait_until_ready(
    get: Callable[[], dict[str, Any]],
    name: str,
    timeout_s: float,
    *,
    now_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Any]:
    """Ask `get` until the endpoint is ready; its last body.

    Raises Failure if the endpoint fails, if time runs out, or if the server does not answer for half a minute.
    """
    deadline_s = now_s() + timeout_s
    silent_since_s: float | None = None
    with _Narrator(name) as tell:
        while True:
            try:
                endpoint = get()
            except Failure as failure:
                if failure.exit_code != ExitCode.UNREACHABLE:
                    raise
                silent_since_s = now_s() if silent_since_s is None else silent_since_s
                if now_s() >= min(deadline_s, silent_since_s + _LONGEST_SILENCE_S):
                    raise
                tell(f"{failure.message}; asking again")
                sleep(_PAUSE_S)
                continue
            silent_since_s = None
            progress = progress_of(endpoint)
            if progress.is_ready:
                return endpoint
            if progress.has_failed:
                raise Failure(
                    f"endpoint {name!r} could not be brought up to date: {progress.story}",
                    remedy=_to_the_logs(name, find_entity(endpoint)),
                )
            if now_s() >= deadline_s:
                raise Failure(
                    f"endpoint {name!r} is not ready after {timeout_s:g} s: {progress.story}",
                    code=ExitCode.WAIT_TIMED_OUT,
                    remedy=f"pierhead endpoints events {name}, or wait on: pierhead endpoints wait {name}",
                )
            tell(progress.story)
            sleep(_PAUSE_S)


def _to_the_logs(name: str, entity: str | None) -> str:
    which = f" --entity {entity}" if entity else ""
    return f"pierhead endpoints logs {name}{which} --build, or without --build for the model's own output"


def _newest_entities(endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """A failed update may leave the earlier config in service: the pending one has the reason."""
    config = endpoint.get("pending_config") or endpoint.get("config") or {}
    return list(config.get("served_entities") or [])


def _story_of(entity: dict[str, Any]) -> str:
    state = entity.get("state") or {}
    words = [
        str(state.get("deployment", "")).removeprefix("DEPLOYMENT_").lower(),
        state.get("deployment_state_message"),
    ]
    told = ", ".join(str(word) for word in words if word)
    return f"{entity.get('name') or entity.get('entity_name')}: {told}" if told else ""


class _Narrator:
    """A spinner with the elapsed time on a terminal; elsewhere a line whenever the story changes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = ""
        self._status: Any = None
        self._begin_s = time.monotonic()

    def __enter__(self) -> Callable[[str], None]:
        if not sys.stderr.isatty():
            return self._line
        from rich.console import Console

        self._status = Console(stderr=True).status(f"Waiting for {self._name}")
        self._status.start()
        return self._spin

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def _line(self, story: str) -> None:
        if story != self._last:
            self._last = story
            say(f"{time.monotonic() - self._begin_s:5.1f} s  {story}")

    def _spin(self, story: str) -> None:
        self._status.update(f"{time.monotonic() - self._begin_s:.0f} s  {story}")
