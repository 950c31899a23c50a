"""How much memory worker processes use.

A limit of the address space would not do: numeric libraries reserve far more of it than they ever use.
"""

import time

import psutil

_LOOK_EVERY_S = 1.0


class MemoryWatch:
    """Looks at each process at most once a second."""

    def __init__(self, limit_bytes: int) -> None:
        """`limit_bytes` is what one process may use."""
        self.limit_bytes = limit_bytes
        self._seen: dict[int, tuple[float, int]] = {}

    def used_bytes(self, process_id: int) -> int:
        """Memory that is the process's own or shared; 0 if it is gone."""
        now_s = time.monotonic()
        seen = self._seen.get(process_id)
        if seen is not None and now_s - seen[0] < _LOOK_EVERY_S:
            return seen[1]
        try:
            used = int(psutil.Process(process_id).memory_info().rss)
        except psutil.Error:
            used = 0
        self._seen[process_id] = (now_s, used)
        return used

    def keep_only(self, process_ids: set[int]) -> None:
        """Forget all others."""
        if len(self._seen) > len(process_ids):
            self._seen = {number: seen for number, seen in self._seen.items() if number in process_ids}
