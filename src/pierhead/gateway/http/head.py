"""What a request says before its body."""

import msgspec


class Head(msgspec.Struct, frozen=True):
    """`headers` in the order of arrival with names in lower case; `target` as it was sent.

    `content_length` is None for a chunked body and for none; `is_chunked` tells them apart.
    """

    method: str
    target: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    keep_alive: bool
    content_length: int | None
    is_chunked: bool
    expects_continue: bool

    @property
    def has_body(self) -> bool:
        return self.is_chunked or bool(self.content_length)

    def find(self, name: bytes) -> bytes | None:
        """The first header of this lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
