"""The application that tests run as a process: a collector, a large page at /large, and a slow one at all other paths.

COLLECTOR_LOG: the folder of the log. With COLLECTOR_SPILL, the folder to spill into, it is the address of the log.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from analytics_site.bridge import WsgiInThreads
from collection.collector.app import Collector
from collection.collector.asgi import AsgiCollector
from collection.collector.http import TrustedProxies
from collection.log import Log, open_log, open_log_that_spills

LARGE_BYTES = 4_000_000


def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/large":
        start_response("200 OK", [("content-type", "text/csv")])
        return [b"x" * LARGE_BYTES]
    time.sleep(1.0)
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "4")])
    return [b"slow"]


def log_from_environment() -> Log:
    log, spill = os.environ["COLLECTOR_LOG"], os.environ.get("COLLECTOR_SPILL")
    return open_log_that_spills(log, Path(spill)) if spill else open_log(f"sqlite://{log}")


application = AsgiCollector(Collector(log_from_environment()), rest=WsgiInThreads(page, TrustedProxies(())))
