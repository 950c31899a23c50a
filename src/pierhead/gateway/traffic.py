"""What passed through this gateway, told to the controller and to everybody who looks."""

import contextlib
import os
from pathlib import Path

import msgspec
import structlog

from pierhead.serving.domain.traffic import GatewayTraffic

log = structlog.get_logger()

_TRAFFIC = msgspec.json.Decoder(GatewayTraffic)


class TrafficFile:
    """`FOLDER/ID.json`, replaced as a whole.

    A gateway that drains has a successor of the same id: it goes on under a name that ends in its process id.
    """

    def __init__(self, folder: Path, gateway_id: str) -> None:
        self._folder = folder
        self.gateway_id = gateway_id
        self._is_failing = False
        self._has_given_up = False

    def give_up_name(self) -> None:
        """Leave the file to a successor from now on. One that nobody has taken over is taken away."""
        if self._has_given_up:
            return
        self._has_given_up = True
        path = self._folder / f"{self.gateway_id}.json"
        self.gateway_id = f"{self.gateway_id}.{os.getpid()}"
        with contextlib.suppress(OSError, msgspec.DecodeError):
            if _TRAFFIC.decode(path.read_bytes()).process_id == os.getpid():
                path.unlink()

    def write(self, traffic: GatewayTraffic) -> None:
        """A failure is logged when it begins; counting goes on."""
        path = self._folder / f"{self.gateway_id}.json"
        new = self._folder / f".{self.gateway_id}.{os.getpid()}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            new.write_bytes(msgspec.json.encode(traffic))
            new.replace(path)
        except OSError as error:
            if not self._is_failing:
                log.error("traffic counters cannot be written", path=str(path), error=str(error))
            self._is_failing = True
        else:
            self._is_failing = False
