"""What uv prints: fit for a log that many read, and condensed to the one or two lines that name the cause."""

import re

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s`'\"<>),]+", re.IGNORECASE)
_BOX = re.compile(r"^[\s×╰─▶├│]+")
_LONGEST_LINE = 300


class Mask:
    """Hides addresses, which may hold credentials, and from then on also the hosts that were in them."""

    def __init__(self, secrets: list[str]) -> None:
        """`secrets` are settings whose addresses and hosts are to be hidden from the first line on."""
        self._hosts: set[str] = set()
        for secret in secrets:
            self.hide(secret)

    def hide(self, line: str) -> str:
        """
        >>> mask = Mask([])
        >>> mask.hide("failed to fetch `https://me:pw@packages.example/simple/numpy/`")
        'failed to fetch `<address>`'
        >>> mask.hide("cannot resolve packages.example")
        'cannot resolve <host>'
        """
        for address in _ADDRESS.findall(line):
            host = address.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
            if "." in host:
                self._hosts.add(host)
        line = _ADDRESS.sub(lambda match: _local_or_hidden(match.group()), line)
        for host in self._hosts:
            line = line.replace(host, "<host>")
        return line


def _local_or_hidden(address: str) -> str:
    return address if address.startswith("file://") else "<address>"


def condensed(lines: list[str]) -> str:
    """What failed and its cause, from uv's output.

    >>> condensed(["Using Python 3.11", "error: No solution found when resolving dependencies",
    ...            "  cause: Because there is no version of a==9 and you require a==9, we can conclude that your "
    ...            "requirements are unsatisfiable."])
    'No solution found when resolving dependencies\\nBecause there is no version of a==9 and you require a==9'
    """
    plain = [_BOX.sub("", line).strip() for line in lines]
    start = next((at for at, line in enumerate(lines) if line.startswith("error:") or "×" in line), None)
    if start is None:
        return next((line for line in reversed(plain) if line), "uv said nothing")
    what, *more = [line for line in plain[start:] if line and not line.startswith(("hint:", "help:"))]
    what = what.removeprefix("error:").strip()
    cause = " ".join(line.removeprefix("cause:").removeprefix("Caused by:").strip() for line in more)
    cause = cause.replace(", we can conclude that your requirements are unsatisfiable.", "")
    return "\n".join(_cut(each) for each in (what, cause) if each)


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 2] + " …"
