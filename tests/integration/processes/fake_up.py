"""Runs the real `up` on fake children: `fake_up.py HOME PORT GATEWAY_BEHAVIOUR CONTROLLER_BEHAVIOUR`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pierhead.kit.settings import Settings, load
from pierhead.processes.children import ChildSpec
from pierhead.processes.errors import CannotStart
from pierhead.processes.liveness import Patience
from pierhead.processes.platform import Doors, fault_of_now
from pierhead.processes.readiness import status_of
from pierhead.processes.sockets import public_address
from pierhead.processes.up import up

FAKE = str(Path(__file__).with_name("fake_child.py"))


def main(home: str, port: str, gateway: str, controller: str) -> int:
    story = {"STORY": str(Path(home) / "story")}

    def command(*words: str) -> tuple[str, ...]:
        return (sys.executable, FAKE, words[0], str(os.getpid()), *words[1:])

    def specify(settings: Settings, doors: Doors) -> Sequence[ChildSpec]:
        address = public_address(settings.host, settings.port)
        return [
            ChildSpec("api", command("idle"), environment_vars={**story, "NAME": "api"}, stop_round=2),
            ChildSpec(
                "gateway-0",
                command(gateway, str(doors.public)),
                inherits=(doors.public,),
                environment_vars={**story, "NAME": "gateway"},
                sign_of_life=lambda: status_of(address, "/health", timeout_s=1.0) is not None,
                is_accepting=lambda process_id: f"gateway start {process_id}\n" in Path(story["STORY"]).read_text(),
                why_no_successor=lambda: fault_of_now(Path(home)),
            ),
            ChildSpec(
                "controller",
                command(controller),
                environment_vars={**story, "NAME": "controller"},
                stop_round=1,
                stop_grace_s=60.0 if controller == "stubborn" else 10.0,
            ),
        ]

    try:
        return up(load(home=home, port=int(port)), specify=specify, patience=Patience(0.2, 3, 2.0, 5.0))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
