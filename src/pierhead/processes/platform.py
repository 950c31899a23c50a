"""Which processes make a platform on one machine."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pierhead.kit.home import Home
from pierhead.kit.settings import Settings, load
from pierhead.processes.children import ChildSpec
from pierhead.processes.lifeline import VARIABLE
from pierhead.processes.liveness import api_sign, gateway_sign, writes_as
from pierhead.processes.sockets import public_address
from pierhead.processes.tls import tls_fault

_DRAIN_S = 35.0
"""Longer than gateway and controller take to finish what they have."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Descriptors that the supervisor holds for its children: listening sockets and the lifeline's read end."""

    public: int
    api: int
    tracking: int
    lifeline: int


def platform(settings: Settings, doors: Doors) -> Sequence[ChildSpec]:
    """The processes of the platform. The gateways stop first, and drain while everything they need still runs."""
    variables = environment_vars(settings)
    home = Home(settings.home)
    address = public_address(settings.host, settings.port, is_tls=settings.tls_certificate is not None)
    gateways = [
        ChildSpec(
            name=f"gateway-{number}",
            command=_command("gateway", "--listen-fd", str(doors.public), "--gateway-id", str(number)),
            inherits=(doors.public,),
            environment_vars=variables,
            stop_grace_s=_DRAIN_S,
            sign_of_life=gateway_sign(address, home.run / "gateways" / f"{number}.json"),
            is_accepting=writes_as(home.run / "gateways" / f"{number}.json"),
            why_no_successor=lambda: fault_of_now(settings.home),
        )
        for number in range(settings.gateways)
    ]
    controller = ChildSpec(
        name="controller",
        command=_command("controller"),
        inherits=(doors.lifeline,),
        environment_vars={**variables, VARIABLE: str(doors.lifeline)},
        stop_round=1,
        stop_grace_s=_DRAIN_S,
    )
    api = ChildSpec(
        name="api",
        command=_command("api", "--listen-fd", str(doors.api)),
        inherits=(doors.api,),
        environment_vars=variables,
        stop_round=2,
        sign_of_life=api_sign(home.api_socket),
    )
    tracking = ChildSpec(
        name="tracking",
        command=_command("tracking", "--listen-fd", str(doors.tracking)),
        inherits=(doors.tracking,),
        environment_vars=variables,
        stop_round=2,
        # It takes long to load and is not needed to serve: it warms up behind the others.
        essential=False,
        after_ready=True,
    )
    return [api, *gateways, controller, tracking]


def fault_of_now(home: Path) -> str:
    """What a gateway that started now would stumble over; empty if nothing."""
    try:
        return tls_fault(load(home=home))
    except (OSError, ValueError) as error:
        return f"the settings cannot be read: {error}"


def environment_vars(settings: Settings) -> dict[str, str]:
    """What flags may have decided, for processes that read their settings from environment and home."""
    return {f"PIERHEAD_{name.upper()}": str(getattr(settings, name)) for name in ("home", "host", "port")}


def _command(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pierhead.processes.child", name, "--parent", str(os.getpid()), *arguments)
