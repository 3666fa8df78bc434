"""The application that tests run as a process: a collector and, for the rest, a slow page."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from analytics_site.bridge import WsgiInThreads
from collection.app import Collector
from collection.asgi import AsgiCollector
from collection.http import AddressBook
from collection.log import open_log


def slow_page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    time.sleep(1.0)
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "4")])
    return [b"slow"]


application = AsgiCollector(
    Collector(open_log(f"sqlite://{os.environ['COLLECTOR_LOG']}")), rest=WsgiInThreads(slow_page, AddressBook(()))
)
