"""Started as a script by the interpreter of a model's own environment, where Pierhead is not installed.

Only the standard library may be imported before `admit_pierhead` ran.
"""

import sys
import types
from pathlib import Path


def admit_pierhead() -> None:
    """Make `pierhead.worker` and `pierhead.kit` importable without showing the model what else lies beside them."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
    package = types.ModuleType("pierhead")
    package.__path__ = [str(here.parent)]
    sys.modules["pierhead"] = package


if __name__ == "__main__":
    admit_pierhead()
    from pierhead.worker.process import main

    main(sys.argv[1:])
