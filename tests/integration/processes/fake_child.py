"""A child process for tests of the supervisor: `fake_child.py BEHAVIOUR PARENT [LISTEN_FD]`.

`gateway` answers 200 to everything on the inherited socket; `idle` waits; `crash` ends at once; `stubborn` and
`stubborn-gateway` ignore SIGTERM; `orphan-maker` starts a process of its own group that ignores it. Each writes
its story to the file named by STORY: `NAME start ID`, `NAME term`, `NAME retire`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from pierhead.processes.kinship import die_with_parent


def tell(*words: object) -> None:
    with Path(os.environ["STORY"]).open("a") as story:
        story.write(" ".join(map(str, (os.environ["NAME"], *words))) + "\n")


def end(_number: int, _frame: object) -> None:
    tell("term")
    # Long enough that a wrong order of stopping would show.
    time.sleep(0.1)
    raise SystemExit(0)


def retire(_number: int, _frame: object) -> None:
    tell("retire")
    time.sleep(0.1)
    raise SystemExit(0)


def serve(descriptor: int) -> None:
    listener = socket.socket(fileno=descriptor)
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            body = str(os.getpid()).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def main(behaviour: str, parent: str, descriptor: str = "") -> None:
    die_with_parent(int(parent))
    signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour.startswith("stubborn") else end)
    signal.signal(signal.SIGUSR1, retire)
    tell("start", os.getpid())
    if behaviour == "crash":
        print("boom: the reason is here", file=sys.stderr)
        raise SystemExit(3)
    if behaviour == "orphan-maker":
        script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
        tell("orphan", subprocess.Popen([sys.executable, "-c", script], start_new_session=True).pid)
    if behaviour.endswith("gateway"):
        serve(int(descriptor))
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
