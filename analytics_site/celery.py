"""The Celery application that sends a cluster's jobs to its workers. It is imported only if BROKER_URL is set.

    celery -A analytics_site worker --pool solo --queues receive

The broker may lose jobs: the dispatcher derives them from the ledger and the store, and sends them again.
"""

import os
import sys
from typing import Any, Final

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from kombu import Queue

from analytics_site import broker
from configuration.outages import OUTAGES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")

QUEUES: Final = ("receive", "seal", "history")
VISIBILITY_TIMEOUT_S: Final = 900  # redelivers jobs of a dead worker; the dispatcher sends them again much earlier
MAX_WAITING: Final = {"history": 2, "seal": 64}
QUEUE_OF: Final = {"hitstream.carry_out": "history", "hitstream.keep_up_all": "seal"}
CARRY_OUT_EVERY_S: Final = 2.0
KEEP_UP_EVERY_S: Final = 30.0

_server: Final = broker.server()

app = Celery(
    "hitstream",
    broker=broker.celery_url(_server),
    set_as_current=True,
    task_cls="analytics_site.acknowledging:AcknowledgedTask",
)
app.conf.update(
    broker_use_ssl=broker.tls(_server) or None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "socket_timeout": broker.TIMEOUT_S,
        "socket_connect_timeout": broker.TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": broker.TIMEOUT_S,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # Sending fails at once while the broker is unavailable, instead of waiting for it.
    task_publish_retry=False,
    task_queues=[Queue(name) for name in QUEUES],
    task_default_queue="seal",
    task_create_missing_queues=False,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    beat_schedule={
        "apply rules to history, and erase": {
            "task": "hitstream.carry_out",
            "schedule": CARRY_OUT_EVERY_S,
            "options": {"expires": CARRY_OUT_EVERY_S * 2},
        },
        "keep up all properties": {
            "task": "hitstream.keep_up_all",
            "schedule": KEEP_UP_EVERY_S,
            "options": {"expires": KEEP_UP_EVERY_S},
        },
    },
    timezone="UTC",
)
app.autodiscover_tasks(["processing"])


@worker_init.connect
def refuse_wrong_settings(**_: Any) -> None:
    """Ends a worker that is not set up as its installation is. Without a database, its first job compares."""
    from processing import installation  # the models can be imported now

    try:
        installation.check()
    except ImproperlyConfigured as error:
        sys.exit(f"Hitstream does not start: {error}")
    except DatabaseError as error:
        OUTAGES.began("database", error)


class LimitedScheduler(Scheduler):
    """Skips a job while its queue is long: the broker must not fill up while no worker runs. While the broker is away,
    jobs are skipped, too: the next ones do the same.
    """

    producer = None  # Celery's own waits for the broker, and logs each attempt

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        queue = QUEUE_OF[entry.task]
        try:
            if queue_lengths()[queue] < MAX_WAITING[queue]:
                self.apply_async(entry, advance=False)
        except (OSError, SchedulingError) as error:
            OUTAGES.began("broker", error)


def queue_lengths(timeout_s: float = broker.TIMEOUT_S) -> dict[str, int]:
    """Returns the number of waiting jobs by queue. Raises OSError if the broker does not answer."""
    return broker.queue_lengths(QUEUES, timeout_s)
