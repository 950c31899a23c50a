"""Answers of compiled workers, kept to be compared with the original's.

`FOLDER/ENTITY_ID.GATEWAY_ID.msgpack` is a stream of MessagePack arrays `[entity_id, model_version, content_type,
request_body, response_body, revision]`, each behind its length, 4 bytes, little endian; `revision` names the artifact
that answered. Whoever compares them takes the file away; the next sample begins a new one.
"""

import os
from pathlib import Path
from random import random

import msgspec
import structlog

from pierhead.gateway.route import Route

log = structlog.get_logger()

LARGEST_BODY_BYTES = 256 * 1024
LARGEST_FILE_BYTES = 8 * 1024 * 1024

_encode = msgspec.msgpack.Encoder().encode


class Samples:
    """Collects samples and writes them with `flush`. What finds no room is counted and forgotten."""

    def __init__(self, folder: Path, gateway_id: str) -> None:
        self.dropped = 0
        self._folder = folder
        self._gateway_id = gateway_id
        self._kept: dict[str, list[bytes]] = {}

    def offer(self, route: Route, content_type: str, request: bytes, response: bytes) -> None:
        """Keep this answer if it is its turn."""
        if random() >= route.verify_rate:
            return
        if len(request) > LARGEST_BODY_BYTES or len(response) > LARGEST_BODY_BYTES:
            return
        entity = route.entity
        sample = _encode((entity.entity_id, entity.model_version, content_type, request, response, entity.revision))
        self._kept.setdefault(entity.entity_id, []).append(len(sample).to_bytes(4, "little") + sample)

    def flush(self) -> None:
        kept, self._kept = self._kept, {}
        for entity_id, samples in kept.items():
            try:
                self._write(self._folder / f"{entity_id}.{self._gateway_id}.msgpack", samples)
            except OSError as error:
                if not self.dropped:
                    log.error("samples for verification cannot be written", error=str(error))
                self.dropped += len(samples)

    def _write(self, path: Path, samples: list[bytes]) -> None:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            piece = b"".join(samples)
            if size + len(piece) > LARGEST_FILE_BYTES:
                self.dropped += len(samples)
                return
            if os.write(descriptor, piece) < len(piece):
                # Half a sample would make the rest of the file unreadable.
                os.ftruncate(descriptor, size)
                self.dropped += len(samples)
        finally:
            os.close(descriptor)
