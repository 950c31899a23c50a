"""Environment variables for the official clients, in the words of a shell."""

import shlex
from collections.abc import Mapping

SHELLS = ("bash", "fish", "powershell")


def client_variables(address: str, token: str) -> dict[str, str]:
    """What databricks-sdk and mlflow read."""
    return {
        "DATABRICKS_HOST": address,
        "DATABRICKS_TOKEN": token,
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_TRACKING_TOKEN": token,
    }


def export_lines(variables: Mapping[str, str], shell: str) -> list[str]:
    """One line per variable; no value can break out of its quotes.

    >>> export_lines({"A": "it's"}, "fish")
    ["set -gx A 'it\\\\'s'"]
    """
    match shell:
        case "fish":
            return [f"set -gx {name} '{_fish(value)}'" for name, value in variables.items()]
        case "powershell":
            return ["$Env:{} = '{}'".format(name, value.replace("'", "''")) for name, value in variables.items()]
        case _:
            return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def _fish(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
