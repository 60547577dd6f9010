"""Started, ready, draining: what the three endpoints of a cluster's probes ask.

    /startupz   200 once the models answered a first row
    /readyz     200 while requests should be sent here; 503 before that, and from a signal to stop
    /livez      200 while the server's loop turns: a restart would help where it does not
"""

from __future__ import annotations

from dataclasses import dataclass

from wholefit.serving._json import dumps


@dataclass
class Health:
    """What state the server is in."""

    started: bool = False
    draining: bool = False

    def live(self) -> tuple[int, bytes]:
        """Status and body of /livez."""
        return 200, dumps({"status": "live"})

    def ready(self) -> tuple[int, bytes]:
        """Status and body of /readyz."""
        if self.draining:
            return 503, dumps({"status": "draining"})
        return self.begun("ready")

    def begun(self, word: str = "started") -> tuple[int, bytes]:
        """Status and body of /startupz."""
        if not self.started:
            return 503, dumps({"status": "starting"})
        return 200, dumps({"status": word})
