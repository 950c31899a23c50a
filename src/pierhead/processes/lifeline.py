"""The pipe that ties workers to the platform's life.

The supervisor keeps the write end and never writes; controller and workers inherit the read end. When the supervisor
ends, however it ends, the kernel closes the write end and every reader sees the end of the file.
"""

import os

VARIABLE = "PIERHEAD_LIFELINE_FD"
"""Environment variable that holds the number of the read end's descriptor."""


class Lifeline:
    def __init__(self) -> None:
        # Both ends close on exec, unless a child is given the read end on purpose.
        self.read_fd, self._write_fd = os.pipe()

    def cut(self) -> None:
        """Tell every reader to end; harmless twice."""
        if self._write_fd >= 0:
            os.close(self._write_fd)
            self._write_fd = -1
