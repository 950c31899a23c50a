"""The beginning of each kind of process. Imports are late: a gateway must not load what the api needs."""

from pierhead.kit.home import Home
from pierhead.kit.settings import Settings


def run_process(name: str, settings: Settings, listen_fd: int, *, lifeline_fd: int | None, gateway_id: str) -> None:
    """Run one process until SIGTERM. `listen_fd` is its listening socket; the controller has none."""
    home = Home(settings.home)
    match name:
        case "gateway":
            _run_gateway(settings, home, listen_fd, gateway_id)
        case "api":
            from pierhead.processes import api

            api.run(settings, home, listen_fd)
        case "controller":
            from pierhead.processes import controller

            controller.run(settings, home, lifeline_fd)
        case "tracking":
            from pierhead.processes import tracking

            tracking.run(home, listen_fd)
        case _:
            raise ValueError(f"no process is called {name!r}")


def _run_gateway(settings: Settings, home: Home, listen_fd: int, gateway_id: str) -> None:
    from pierhead.gateway import server

    server.run(
        server.GatewayConfig(
            gateway_id=gateway_id,
            listen_fd=listen_fd,
            api_socket=home.api_socket,
            snapshot=home.snapshot,
            spool=home.spool,
            traffic_folder=home.run / "gateways",
            max_body_bytes=settings.max_body_bytes,
            invocation_timeout_s=settings.invocation_timeout_s,
            queue_limit=settings.queue_limit,
            gateways=settings.gateways,
            samples_folder=home.run / "samples",
            observations_folder=home.run / "observations",
            nudge_socket=home.run / "nudge.sock",
            access_log_rate=settings.access_log_rate,
            tls_certificate=settings.tls_certificate,
            tls_key=settings.tls_key,
        )
    )
