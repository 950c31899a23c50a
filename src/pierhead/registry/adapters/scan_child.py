"""The process that scans files which strangers made: `python -m pierhead.registry.adapters.scan_child`.

Reads a JSON list of [path, name] from standard input; writes a JSON object a line for each file that is done. It limits
itself before it looks at the first one, and imports nothing but the standard library and the scan.
"""

import json
import resource
import sys
from pathlib import Path

from pierhead.registry.adapters.scan_files import scan_file
from pierhead.registry.domain.pickle_scan import Found


def main() -> None:
    memory_bytes, cpu_s = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    # It has nothing to write but its answers.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path, name in json.load(sys.stdin):
        found = Found()
        try:
            scan_file(Path(path), name, found)
        except MemoryError:
            found.add(f"{name} cannot be scanned: it takes more than {memory_bytes // 2**20} MiB of memory")
        print(json.dumps({"name": name, "pickles": found.pickles, "dangers": sorted(found.dangers)}), flush=True)


if __name__ == "__main__":
    main()
