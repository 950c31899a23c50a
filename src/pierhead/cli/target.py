"""Which server a command talks to, and as whom.

In order: `--home`, `--profile`, DATABRICKS_HOST with DATABRICKS_TOKEN, DATABRICKS_CONFIG_PROFILE, the default home
if a platform runs on it, the profile DEFAULT.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.profiles import config_file, find_profile
from pierhead.kit.home import ForeignFolder, Home


@dataclass(frozen=True, slots=True)
class Target:
    """`host` is a URL without a slash at the end."""

    host: str
    token: str = field(repr=False)


def target_of(host: str, token: str) -> Target:
    """A server by its address as people write it. Raises Failure if it cannot be one."""
    # As the official clients do, a host without scheme means https.
    url = (host if "://" in host else f"https://{host}").rstrip("/")
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise Failure(f"{host!r} is not the address of a server", code=ExitCode.USAGE, remedy="http://HOST:PORT")
    return Target(url, token)


def find_target(home: Path | None, profile: str | None) -> Target:
    """Raises Failure if nothing names a server."""
    if home is not None:
        return _of_home(Home(home.expanduser().absolute()))
    if profile is not None:
        return _of_profile(profile)
    if os.environ.get("DATABRICKS_HOST"):
        return _of_entries(os.environ["DATABRICKS_HOST"], os.environ.get("DATABRICKS_TOKEN"), "DATABRICKS_TOKEN")
    if os.environ.get("DATABRICKS_CONFIG_PROFILE"):
        return _of_profile(os.environ["DATABRICKS_CONFIG_PROFILE"])
    default = default_home()
    if address_of(default) is not None:
        return _of_home(default)
    entries = find_profile("DEFAULT", config_file())
    if entries is not None and entries.get("host"):
        return _of_profile("DEFAULT")
    raise Failure(
        f"no server is named, and none runs on {default.root}",
        code=ExitCode.UNREACHABLE,
        remedy='start one with `pierhead up`, or name one: --home DIR, --profile NAME, or eval "$(pierhead env)"',
    )


def default_home() -> Home:
    return Home(Path(os.environ.get("PIERHEAD_HOME") or "~/.pierhead").expanduser().absolute())


def address_of(home: Home) -> str | None:
    """The URL of the platform that was started last on this home and not stopped. Raises Failure."""
    from pierhead.processes.sockets import find_address

    try:
        home.check_run()
    except ForeignFolder as error:
        raise Failure(str(error), code=ExitCode.NOT_ALLOWED) from None
    return find_address(home)


def _of_home(home: Home) -> Target:
    address = address_of(home)
    if address is None:
        raise Failure(
            f"no platform runs on {home.root}",
            code=ExitCode.UNREACHABLE,
            remedy=f"pierhead up --home {home.root}",
        )
    return Target(address, read_admin_token(home))


def read_admin_token(home: Home) -> str:
    """Raises Failure."""
    try:
        return home.admin_token.read_text().strip()
    except FileNotFoundError:
        raise Failure(
            f"{home.root} holds no admin token yet", remedy=f"start the platform once: pierhead up --home {home.root}"
        ) from None
    except OSError as error:
        raise Failure(
            f"{home.admin_token} cannot be read ({error.strerror}): it belongs to who runs the platform",
            code=ExitCode.NOT_ALLOWED,
            remedy="ask them for a token: pierhead env --user NAME",
        ) from None


def _of_profile(name: str) -> Target:
    path = config_file()
    entries: Mapping[str, str] | None = find_profile(name, path)
    if entries is None:
        raise Failure(f"{path} has no profile {name!r}", remedy=f"pierhead login --profile {name}")
    return _of_entries(entries.get("host"), entries.get("token"), f"the token of profile {name!r} in {path}")


def _of_entries(host: str | None, token: str | None, where: str) -> Target:
    if not host:
        raise Failure(f"the host that belongs to {where} is not set", remedy='eval "$(pierhead env)"')
    if not token:
        raise Failure(f"{where} is not set", code=ExitCode.NOT_ALLOWED, remedy='eval "$(pierhead env)"')
    return target_of(host, token)
