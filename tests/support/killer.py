"""What ends a process, for tests that look at what is left."""

import os
import signal

from processing.ingest.geoip import NO_LOCATION, Location


class Killer:
    """Where a place of this address is looked up, the process ends at once."""

    def lookup(self, address: str) -> Location:
        if address == "192.0.2.66":
            os.kill(os.getpid(), signal.SIGKILL)
        return NO_LOCATION
