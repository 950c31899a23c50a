"""The profiles of the official clients: `~/.databrickscfg`, or where DATABRICKS_CONFIG_FILE points."""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from pierhead.cli.failures import Failure


def config_file() -> Path:
    return Path(os.environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()


def find_profile(name: str, path: Path) -> dict[str, str] | None:
    """The entries of a section. Raises Failure if the file cannot be read."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {error}", remedy=f"correct or move {path}") from None
    if name == parser.default_section:
        return dict(parser.defaults()) or None
    return dict(parser[name]) if parser.has_section(name) else None


def with_section(text: str, name: str, entries: Mapping[str, str]) -> str:
    """The file's text with section `name` holding exactly `entries`; everything else stays as it is.

    >>> with_section("# mine\\n[a]\\nhost = x\\n\\n[b]\\nhost = y\\n", "a", {"host": "z"})
    '# mine\\n[a]\\nhost = z\\n\\n[b]\\nhost = y\\n'
    """
    section = f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
    lines = text.splitlines(keepends=True)
    heads = [number for number, line in enumerate(lines) if line.strip().startswith("[")]
    start = next((number for number in heads if lines[number].strip() == f"[{name}]"), None)
    if start is None:
        gap = "" if not text.strip() else ("\n" if text.endswith("\n") else "\n\n")
        return text + gap + section
    end = next((number for number in heads if number > start), len(lines))
    after = "".join(lines[end:])
    return "".join(lines[:start]) + section + ("\n" + after if after else "")
