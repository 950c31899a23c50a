"""Where every child process of the supervisor begins: `python -m pierhead.processes.child NAME --parent ID ...`.

Settings come from the environment, as the supervisor set it.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from pierhead.processes.kinship import die_with_parent


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="pierhead.processes.child")
    parser.add_argument("name", choices=("api", "gateway", "controller", "tracking"))
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--listen-fd", type=int, default=-1)
    parser.add_argument("--gateway-id", default="0")
    given = parser.parse_args(arguments)
    # Before the slow imports: a supervisor that is killed now must not leave us behind.
    die_with_parent(given.parent)

    from pierhead.kit.logs import configure
    from pierhead.kit.settings import load
    from pierhead.processes.entries import run_process
    from pierhead.processes.lifeline import VARIABLE

    process = f"gateway-{given.gateway_id}" if given.name == "gateway" else given.name
    configure(process)
    lifeline_fd = int(os.environ[VARIABLE]) if VARIABLE in os.environ else None
    run_process(given.name, load(), given.listen_fd, lifeline_fd=lifeline_fd, gateway_id=given.gateway_id)


if __name__ == "__main__":
    main(sys.argv[1:])
