"""Started as a script, in the model's own environment where Pierhead is not installed: a child of the compile job.

`python __main__.py MODULE ORDERS` runs `MODULE.main`; ORDERS is JSON with what `guard.confine` needs. Only the standard
library may be imported before `admit_pierhead` ran.
"""

import importlib
import sys
import types
from pathlib import Path


def admit_pierhead() -> None:
    """Make `pierhead.compile`, `pierhead.worker` and `pierhead.kit` importable, and nothing that lies beside them."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
    package = types.ModuleType("pierhead")
    package.__path__ = [str(here.parent.parent)]
    sys.modules["pierhead"] = package


if __name__ == "__main__":
    admit_pierhead()
    importlib.import_module(sys.argv[1]).main(sys.argv[2:])
