"""What uv finds in its environment. uv does not read pip's configuration, so a machine set up for pip is translated."""

import ast
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_KEPT_NAMES = {
    "ALL_PROXY",
    "CC",
    "CFLAGS",
    "CURL_CA_BUNDLE",
    "CXX",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LDFLAGS",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NETRC",
    "NO_PROXY",
    "PATH",
    "REQUESTS_CA_BUNDLE",
    "TMPDIR",
    "TZ",
    "USER",
}
_KEPT_PREFIXES = ("UV_", "SSL_", "XDG_", "LC_", "CARGO_", "RUSTUP_", "PYENV_")

_FIXED = {
    # Many environments share most of their files; uv copies by itself where it cannot link.
    "UV_LINK_MODE": "hardlink",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NO_PROGRESS": "1",
    "NO_COLOR": "1",
}

_PIP_SETTINGS = ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "cert")

_OWN_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_CONFIG_FILE")


@dataclass(frozen=True, slots=True)
class UvSettings:
    """Variables for every command of uv, and flags for those that install."""

    environment: dict[str, str]
    install_flags: tuple[str, ...] = ()

    @property
    def sources(self) -> list[str]:
        """Where packages come from: addresses that may hold credentials."""
        return [value for name, value in self.environment.items() if "INDEX" in name or "LINKS" in name]


def uv_settings(server: Mapping[str, str], pip: Mapping[str, str], uv_config: Path | None) -> UvSettings:
    """The variables of `server` that builds need, and pip's settings if uv has none of its own.

    `pip` is as `read_pip_settings` gives it; `uv_config` is the user's or the machine's uv.toml.
    """
    kept = {name: value for name, value in server.items() if _is_kept(name)}
    # A uv.toml or pyproject.toml inside a model folder must not steer the server's builds.
    config = {"UV_CONFIG_FILE": str(uv_config)} if uv_config else {"UV_NO_CONFIG": "1"}
    if uv_config or any(server.get(name) for name in _OWN_INDEX):
        return UvSettings({**_FIXED, **config, **kept})
    no_index = pip.get("no-index", "").lower() in ("1", "true", "yes", "on")
    return UvSettings({**_FIXED, **config, **_translated(pip), **kept}, ("--no-index",) if no_index else ())


def _is_kept(name: str) -> bool:
    # Proxies are often written in small letters.
    return name.upper() in _KEPT_NAMES or name.startswith(_KEPT_PREFIXES)


def _translated(pip: Mapping[str, str]) -> dict[str, str]:
    extra = " ".join(pip.get("extra-index-url", "").split())
    names = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": extra,
        # pip takes the best version of all indexes, and so expects whoever set up two.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "UV_FIND_LINKS": ",".join(pip.get("find-links", "").split()),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "SSL_CERT_FILE": pip.get("cert", ""),
    }
    return {name: value for name, value in names.items() if value}


def find_uv_config(server: Mapping[str, str]) -> Path | None:
    """The uv.toml that uv itself would take from the user's or the machine's configuration."""
    user = Path(server.get("XDG_CONFIG_HOME") or Path(server.get("HOME", "/")) / ".config")
    places = [user / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]
    return next((place for place in places if place.is_file()), None)


def read_pip_settings(python: Path, server: Mapping[str, str]) -> dict[str, str]:
    """What `pip config list` of this interpreter says; what pip's variables say if it has no pip."""
    stated = {name: server.get(f"PIP_{name.replace('-', '_').upper()}", "") for name in _PIP_SETTINGS}
    variables = {name: value for name, value in stated.items() if value}
    try:
        listed = subprocess.run(
            [str(python), "-m", "pip", "--disable-pip-version-check", "config", "list"],
            capture_output=True,
            text=True,
            timeout=30,
            env=dict(server),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return variables
    return {**parse_pip_settings(listed.stdout), **variables} if listed.returncode == 0 else variables


def parse_pip_settings(listing: str) -> dict[str, str]:
    """Settings by name; the environment wins over `[install]`, which wins over `[global]`.

    >>> parse_pip_settings("global.index-url='https://a/simple'\\n:env:.index-url='https://b/simple'\\n")
    {'index-url': 'https://b/simple'}
    """
    ranks = {"global": 0, "install": 1, ":env:": 2}
    found: list[tuple[int, str, str]] = []
    for line in listing.splitlines():
        key, equals, value = line.partition("=")
        section, dot, name = key.rpartition(".")
        if equals and dot and section in ranks:
            found.append((ranks[section], name, _unquoted(value)))
    return {name: value for _, name, value in sorted(found, key=lambda setting: setting[0])}


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value
