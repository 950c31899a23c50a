"""What the job is told: one JSON file."""

from pathlib import Path
from typing import Any

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """`memory_bytes` holds for each child with all that it starts; `wall_s` for the whole job."""

    memory_bytes: int
    wall_s: float
    cpu_s: float | None = None

    @property
    def child_cpu_s(self) -> int:
        """Whole seconds of processor time for one child."""
        return max(int(self.wall_s if self.cpu_s is None else self.cpu_s), 1)

    @property
    def call_s(self) -> float:
        """How long one answer may take: a child that hangs must leave time to say so."""
        return self.wall_s / 3

    @property
    def load_s(self) -> float:
        """How long loading may take, which on a busy machine is longer than any answer."""
        return 2 * self.call_s


class Order(msgspec.Struct, frozen=True):
    """Compile a model.

    `source` is the digest of its files, `python` the interpreter of its environment, `converter_python` one that has
    the stock converters besides. `samples` are bodies of logged requests, as JSON or as text. `rows` is about how many
    random rows are compared, and as many around boundaries.
    """

    model: Path
    python: Path
    output: Path
    source: str
    limits: Limits
    converter_python: Path | None = None
    samples: list[Any] = []
    seed: int = 0
    rows: int = 3000


class VerifyOrder(msgspec.Struct, frozen=True):
    """Compare answers that an artifact gave with the original's.

    `samples` is a MessagePack file: a list of [content type, request body, answer body].
    """

    model: Path
    python: Path
    artifact: Path
    output: Path
    samples: Path
    limits: Limits


def read_order(path: Path) -> Order:
    """Raises OSError or msgspec.DecodeError."""
    return _ORDER.decode(path.read_bytes())


def read_verify_order(path: Path) -> VerifyOrder:
    """Raises OSError or msgspec.DecodeError."""
    return _VERIFY_ORDER.decode(path.read_bytes())


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind} out of {value!r}")


_ORDER = msgspec.json.Decoder(Order, dec_hook=_path)
_VERIFY_ORDER = msgspec.json.Decoder(VerifyOrder, dec_hook=_path)
