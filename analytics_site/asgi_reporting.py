"""Pages and APIs alone, without a collector."""

from threading import Thread

from django.conf import settings

from analytics_site.bridge import WsgiInThreads
from analytics_site.pages import AsgiPages, check_database
from analytics_site.sign_in_gate import SignInGate
from analytics_site.wsgi import application as _django  # sets Django up for the imports below
from collection.collector.http import TrustedProxies
from collection.collector.metrics import Gauge, Sample
from configuration.access.sign_in_limits import wait_s
from configuration.adapters import kinds_in_use
from configuration.ruleset.context import UNKNOWN_PROPERTY
from processing.receiving import ledger
from processing.receiving.pending import count_pending
from processing.workers.warm_up import warm_up
from reporting import read_access
from reporting.capacity.turns import kind_of, threads


def _check_store() -> None:
    """Raises StoreUnavailable if the store does not answer."""
    read_access.view_cache().store.live(UNKNOWN_PROPERTY)


def _behind() -> list[Sample]:
    return [({"subscription": "worker"}, count_pending(read_access.log()))]


def _cleaned() -> list[Sample]:
    return [({}, ledger.count_cleaned())]


def _waiting_jobs() -> list[Sample]:
    from analytics_site.celery import queue_lengths  # installed for clusters only

    return [({"queue": name}, jobs) for name, jobs in queue_lengths().items()]


def _gauges() -> list[Gauge]:
    behind = Gauge("lag_hits", "Hits that a subscription has not read yet.", _behind)
    waiting = Gauge("waiting_jobs", "Jobs that no worker has taken yet.", _waiting_jobs)
    cleaned = Gauge("cleaned_hits", "Received hits that personal data was removed from.", _cleaned)
    return [behind, cleaned, waiting] if settings.BROKER_URL else [behind, cleaned]


_proxies = TrustedProxies(settings.TRUSTED_PROXIES)
application = AsgiPages(
    SignInGate(WsgiInThreads(_django, _proxies, threads(), kind_of), _proxies, wait_s, settings.PASSWORD_HASHES),
    checks={"database": check_database, "store": _check_store},
    gauges=_gauges(),
    adapters=kinds_in_use(),
)
Thread(target=warm_up, name="warm up", daemon=True).start()
