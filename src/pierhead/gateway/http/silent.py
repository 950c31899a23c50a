"""The handler of those who have nothing more to say."""


class Silent:
    """The handler of an exchange that is answered already, or asks nothing of its caller."""

    def receive(self, chunk: bytes) -> None:
        pass

    def complete(self) -> None:
        pass

    def hung_up(self) -> None:
        pass

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass


SILENT = Silent()
