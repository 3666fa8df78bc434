"""The server of `bench.slow_clients --kind reports`: the collector, and an answer of 4 MB as a report would be."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from analytics_site.bridge import WsgiInThreads
from collection.collector.app import Collector
from collection.collector.asgi import AsgiCollector
from collection.collector.http import TrustedProxies
from collection.log import open_log

REPORT = b"page,views\n" * 400_000


def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "text/csv")])
    return [REPORT]


application = AsgiCollector(
    Collector(open_log(f"sqlite://{Path(os.environ['HITSTREAM_DATA']) / 'log'}")),
    rest=WsgiInThreads(page, TrustedProxies(())),
)
