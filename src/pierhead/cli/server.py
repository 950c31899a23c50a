"""`pierhead up` and the single processes."""

from pathlib import Path

import click

from pierhead.cli.options import home_option, load_settings

host_option = click.option("--host", help="Address the public port listens on [127.0.0.1].")
port_option = click.option("--port", type=click.IntRange(0, 65535), help="The public port; 0 takes a free one [5050].")


@click.command()
@home_option
@host_option
@port_option
def up(home: Path | None, host: str | None, port: int | None) -> None:
    """Start the whole platform on this machine and keep it running."""
    from pierhead.processes.up import up as run
    from pierhead.wiring.leftovers import kill_workers

    raise SystemExit(run(load_settings(home=home, host=host, port=port), kill_strangers=kill_workers))


@click.command()
@home_option
@host_option
@port_option
def gateway(home: Path | None, host: str | None, port: int | None) -> None:
    """Run only the gateway: the public port."""
    _alone("gateway", home=home, host=host, port=port)


@click.command()
@home_option
def api(home: Path | None) -> None:
    """Run only the api: registry, endpoints, identities."""
    _alone("api", home=home)


@click.command()
@home_option
def controller(home: Path | None) -> None:
    """Run only the controller: the loops that start workers and fill tables."""
    _alone("controller", home=home)


@click.command()
@home_option
def tracking(home: Path | None) -> None:
    """Run only MLflow's tracking server."""
    _alone("tracking", home=home)


def _alone(name: str, **flags: object) -> None:
    from pierhead.processes.alone import run_alone

    run_alone(name, load_settings(**flags))
