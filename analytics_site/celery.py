"""The Celery application that sends a cluster's jobs to its workers. It is imported only if BROKER_URL is set.

    celery -A analytics_site worker --pool solo --queues receive

The broker may lose jobs: the dispatcher derives them from the ledger and the store, and sends them again.
"""

import os
from contextlib import closing
from typing import Any, Final

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler
from django.conf import settings
from kombu import Queue
from redis import Redis
from redis.exceptions import RedisError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")

QUEUES: Final = ("receive", "seal", "history")
VISIBILITY_TIMEOUT_S: Final = 900  # redelivers jobs of a dead worker; the dispatcher sends them again much earlier
BROKER_TIMEOUT_S: Final = 10
MAX_WAITING: Final = {"history": 2, "seal": 64}
QUEUE_OF: Final = {"hitstream.carry_out": "history", "hitstream.keep_up_all": "seal"}
CARRY_OUT_EVERY_S: Final = 2.0
KEEP_UP_EVERY_S: Final = 30.0

app = Celery(
    "hitstream",
    broker=settings.BROKER_URL,
    set_as_current=True,
    task_cls="analytics_site.acknowledging:AcknowledgedTask",
)
app.conf.update(
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "socket_timeout": BROKER_TIMEOUT_S,
        "socket_connect_timeout": BROKER_TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": BROKER_TIMEOUT_S,
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


class LimitedScheduler(Scheduler):
    """Skips a job while its queue is long: the broker must not fill up while no worker runs."""

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        queue = QUEUE_OF[entry.task]
        if queue_lengths()[queue] < MAX_WAITING[queue]:
            super().apply_entry(entry, producer=producer)


def queue_lengths() -> dict[str, int]:
    """Returns the number of waiting jobs by queue. Raises OSError if the broker does not answer."""
    timeouts = {"socket_timeout": BROKER_TIMEOUT_S, "socket_connect_timeout": BROKER_TIMEOUT_S}
    with closing(Redis.from_url(settings.BROKER_URL, **timeouts)) as broker:
        try:
            return {name: int(broker.llen(name)) for name in QUEUES}
        except RedisError as error:
            raise OSError(f"the broker does not answer: {error}") from error
