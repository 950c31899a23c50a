"""What fails again and again is told once."""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Failures(Generic[Key]):
    """The pieces of work that failed the last time they were tried. Not safe to share between threads.

    >>> failures = Failures[str]()
    >>> failures.is_news("a", OSError("full")), failures.is_news("a", OSError("full")), failures.is_news("a", OSError())
    (True, False, True)
    >>> failures.end("a")
    >>> len(failures), failures.is_news("a", OSError())
    (0, True)
    """

    def __init__(self) -> None:
        self._errors: dict[Key, str] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._errors

    def __len__(self) -> int:
        return len(self._errors)

    def is_news(self, key: Key, error: Exception) -> bool:
        """Keep that it failed; whether it did not fail in the same way the last time."""
        told, self._errors[key] = self._errors.get(key), repr(error)
        return told != repr(error)

    def end(self, key: Key) -> None:
        """It did not fail."""
        self._errors.pop(key, None)

    def keep(self, keys: Collection[Key]) -> None:
        """Forget all others."""
        self._errors = {key: error for key, error in self._errors.items() if key in keys}
