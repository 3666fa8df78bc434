"""Pages and interfaces alone: no hits are taken here."""

from threading import Thread

from django.conf import settings

from analytics_site.bridge import WsgiInThreads
from analytics_site.pages import AsgiPages, database_answers
from analytics_site.wsgi import application as _django  # makes Django ready for what is imported below
from collection.collector.http import AddressBook
from collection.collector.metrics import Gauge, Sample
from configuration.ruleset.context import UNKNOWN_PROPERTY
from processing.receiving.pending import lag
from processing.workers.warm_up import warm_up
from reporting import read_access as source


def _store_answers() -> None:
    """Raises StoreUnavailable where it does not."""
    source.reader().store.live(UNKNOWN_PROPERTY)


def _behind() -> list[Sample]:
    return [({"subscription": "worker"}, lag(source.log()))]


def _waiting_jobs() -> list[Sample]:
    from analytics_site.celery import queue_lengths  # installed for clusters only

    return [({"queue": name}, jobs) for name, jobs in queue_lengths().items()]


def _gauges() -> list[Gauge]:
    behind = Gauge("lag_hits", "Hits that a subscription has not read yet.", _behind)
    waiting = Gauge("waiting_jobs", "Jobs that no worker has taken yet.", _waiting_jobs)
    return [behind, waiting] if settings.BROKER_URL else [behind]


application = AsgiPages(
    WsgiInThreads(_django, AddressBook(settings.TRUSTED_PROXIES)),
    needs={"database": database_answers, "store": _store_answers},
    gauges=_gauges(),
)
Thread(target=warm_up, name="warm up", daemon=True).start()
