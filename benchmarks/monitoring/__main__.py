"""`python -m benchmarks.monitoring [false_alarms|power|estimates ...]`: all three without words.

MONITOR_WINDOWS (500), MONITOR_TRIALS (20) and MONITOR_CASES (12) say how much of each is done.
"""

from __future__ import annotations

import sys

from benchmarks.monitoring import estimates, false_alarms, power

PARTS = {"false_alarms": false_alarms.main, "power": power.main, "estimates": estimates.main}


def main() -> None:
    for name in sys.argv[1:] or list(PARTS):
        PARTS[name]()


if __name__ == "__main__":
    main()
