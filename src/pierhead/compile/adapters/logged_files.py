"""The last requests that compiled versions were asked: `DIGEST.logged`, a MessagePack list of bodies each."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec
import structlog

from pierhead.compile.domain.logged import recent
from pierhead.compile.ports import Sample
from pierhead.kit.replacing import replace_file

log = structlog.get_logger()

_SUFFIX = ".logged"
_JSON = "application/json"

_BODIES = msgspec.msgpack.Decoder(list[bytes])


class LoggedFiles:
    """`compile.ports.LoggedRequests` in a folder that nobody else may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, source: str, samples: Sequence[Sample]) -> None:
        bodies = [sample.request for sample in samples if _is_text(sample)]
        kept = self.of(source)
        wanted = recent(kept, bodies)
        if wanted == kept:
            return
        try:
            replace_file(self._path(source), msgspec.msgpack.encode(wanted), synced=False)
        except OSError as error:
            # What is compared now is worth more than what might be compared some day.
            log.warning("requests could not be kept for the gate", source=source, error=str(error))

    def of(self, source: str) -> list[bytes]:
        try:
            return _BODIES.decode(self._path(source).read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            log.warning("requests that were kept for the gate cannot be read", source=source, error=str(error))
            return []

    def keep_only(self, is_known: Callable[[Collection[str]], Collection[str]]) -> None:
        """Forget those of files that nobody knows any more; `is_known` gives those of the digests that are known."""
        paths = {path.stem: path for path in self._folder.glob(f"*{_SUFFIX}")}
        for source in paths.keys() - set(is_known(sorted(paths))):
            paths[source].unlink(missing_ok=True)

    def _path(self, source: str) -> Path:
        return self._folder / f"{source}{_SUFFIX}"


def _is_text(sample: Sample) -> bool:
    """Whether the gate can ask it: as JSON in UTF-8."""
    if sample.content_type and not sample.content_type.startswith(_JSON):
        return False
    try:
        sample.request.decode()
    except UnicodeDecodeError:
        return False
    return True
