"""The whole installation on one port: the collector, and Django for all other paths.

`asgi_collector` and `asgi_reporting` have one of the two each.
"""

from threading import Thread

from django.conf import settings
from django.db import DatabaseError

from analytics_site.bridge import WsgiInThreads
from analytics_site.sign_in_gate import SignInGate
from analytics_site.wsgi import application as _pages  # sets Django up for the imports below
from collection.collector.app import Collector
from collection.collector.asgi import AsgiCollector
from collection.collector.http import TrustedProxies
from collection.log import LogUnavailable, open_log_that_spills
from configuration.access.sign_in_limits import wait_s
from configuration.adapters import kinds_in_use
from processing.receiving.pending import count_pending
from processing.workers.warm_up import warm_up
from reporting.capacity.turns import kind_of, threads

_log = open_log_that_spills(settings.LOG_URL, settings.DATA / "spill")
_proxies = TrustedProxies(settings.TRUSTED_PROXIES)
_django = SignInGate(WsgiInThreads(_pages, _proxies, threads(), kind_of), _proxies, wait_s, settings.PASSWORD_HASHES)


def _lags() -> dict[str, int]:
    """Raises LogUnavailable, also if the database is unavailable: the collector handles no other error."""
    try:
        return {"worker": count_pending(_log)}
    except DatabaseError as error:
        raise LogUnavailable(str(error)) from error


_collector = Collector(_log, trusted_proxies=settings.TRUSTED_PROXIES, lags=_lags, adapters=kinds_in_use())
application = AsgiCollector(_collector, rest=_django)
Thread(target=warm_up, name="warm up", daemon=True).start()
