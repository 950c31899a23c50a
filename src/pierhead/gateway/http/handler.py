"""What answers a request, as its connection sees it."""

from typing import Protocol


class Handler(Protocol):
    """What answers an exchange. Every call but `hung_up` may be followed by any other; after `hung_up` none comes."""

    def receive(self, chunk: bytes) -> None:
        """The next piece of the request's body."""

    def complete(self) -> None:
        """The request is complete."""

    def hung_up(self) -> None:
        """The caller is gone: nothing can be answered any more."""

    def pause_writing(self) -> None:
        """The caller reads more slowly than we write: write nothing until `resume_writing`."""

    def resume_writing(self) -> None: ...
