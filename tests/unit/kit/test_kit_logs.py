import subprocess
import sys

SCRIPT = """
import structlog
from pierhead.kit import logs

logs.configure("gateway-0")
structlog.get_logger().error("disk full", exc_info=ValueError("x"))
print("went on")
"""


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device that is always full
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=full, text=True, timeout=60
        )

    assert "went on" in done.stdout


def test_every_line_names_its_process() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)

    assert '"process": "gateway-0"' in done.stderr
