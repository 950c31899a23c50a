"""The invocations that gateways kept to be compared: one file for each served entity and gateway."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog

from pierhead.compile.ports import Sample

log = structlog.get_logger()

_MARK = ".taken"


class _Kept(msgspec.Struct, array_like=True):
    entity_id: str
    model_version: str
    content_type: str
    request: bytes
    answer: bytes
    revision: str = ""
    """Gateways of older releases do not tell it."""


_KEPT = msgspec.msgpack.Decoder(_Kept)


class SampleFiles:
    """Takes the files away before it reads them, so that nothing is compared twice."""

    def __init__(self, folder: Path, source_of: Callable[[Sequence[str]], Mapping[str, str]]) -> None:
        """`source_of` gives, for ids of served entities, the digests of their files."""
        self._folder = folder
        self._source_of = source_of

    def take(self) -> Mapping[str, Sequence[Sample]]:
        """By digest of the files; what belongs to entities that are gone is dropped."""
        for left in self._folder.glob(f"*{_MARK}"):
            # Somebody died over them; nobody will compare them, and callers' values are not to lie about.
            left.unlink(missing_ok=True)
        kept: list[_Kept] = []
        for path in sorted(self._folder.glob("*.msgpack")):
            taken = path.with_name(path.name + _MARK)
            try:
                path.rename(taken)
                kept += _read(taken.read_bytes())
                taken.unlink()
            except OSError as error:
                log.warning("kept invocations could not be read", path=str(path), error=str(error))
        sources = self._source_of(sorted({each.entity_id for each in kept})) if kept else {}
        samples: dict[str, list[Sample]] = {}
        for each in kept:
            source = sources.get(each.entity_id)
            if source is not None:
                samples.setdefault(source, []).append(_sample(each))
        return samples


def _sample(kept: _Kept) -> Sample:
    return Sample(kept.content_type, kept.request, kept.answer, kept.revision)


def _read(raw: bytes) -> list[_Kept]:
    """Every whole record; the last one may be cut off."""
    unpacked: list[_Kept] = []
    at = 0
    while at + 4 <= len(raw):
        size = int.from_bytes(raw[at : at + 4], "little")
        piece = raw[at + 4 : at + 4 + size]
        at += 4 + size
        if len(piece) < size:
            break
        try:
            unpacked.append(_KEPT.decode(piece))
        except msgspec.DecodeError:
            log.warning("a kept invocation is unreadable")
    return unpacked
