"""`python -m pierhead.compile.job [--verify] --order FILE`: one sandboxed job.

Exit code 0 also where a model is refused; 1 if the job itself broke, with a line on standard error that says why.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pierhead.compile.extract.guard import bound_memory
from pierhead.compile.job.compiling import compile_model
from pierhead.compile.job.order import read_order, read_verify_order
from pierhead.compile.job.verifying import VerificationBroke, verify_answers
from pierhead.worker.surroundings import hold_lifeline


def main(arguments: Sequence[str] | None = None) -> int:
    hold_lifeline()
    parser = argparse.ArgumentParser(prog="pierhead.compile.job")
    parser.add_argument("--order", type=Path, required=True, help="what is to be done, JSON")
    parser.add_argument("--verify", action="store_true", help="compare answers of an artifact with the original's")
    options = parser.parse_args(arguments)
    try:
        if options.verify:
            verify_answers(read_verify_order(options.order))
        else:
            order = read_order(options.order)
            bound_memory(order.limits.memory_bytes)
            compile_model(order)
    except (VerificationBroke, OSError, msgspec.DecodeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print("MemoryError: the job itself ran out of memory", file=sys.stderr)
        return 1
    except Exception as error:
        # The last line of the log is what people are shown.
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Watching threads must not hold up the end.
    os._exit(code)
