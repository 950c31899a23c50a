"""`pierhead` commands, each in a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.scripts import run_script

PIERHEAD = Path(sys.executable).with_name("pierhead")

_MODULES = ("pierhead.cli.main", "pierhead.identity.services.accounts", "pierhead.processes.prepare")
_PATIENCE_S = 180


def run_pierhead(*words: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """The program that is installed; what it imports for the sake of a home is there already."""
    return run_script(PIERHEAD, words, environment=environment, timeout_s=_PATIENCE_S, modules=_MODULES)
