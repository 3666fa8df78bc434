"""Celery, which carries a cluster's jobs to its workers. It is only asked for where BROKER_URL is set.

    celery -A analytics_site worker --pool solo --queues receive

The broker keeps nothing that matters: what it loses is sent again by the dispatcher, out of ledger and store.
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
VISIBLE_AGAIN_S: Final = 900  # a job of a worker that died; the dispatcher sends what matters again long before
SILENCE_S: Final = 10
MOST_WAITING: Final = {"history": 2, "seal": 64}
QUEUE_OF: Final = {"hitstream.carry_out": "history", "hitstream.keep_up_all": "seal"}
CARRY_OUT_EVERY_S: Final = 2.0
KEEP_UP_EVERY_S: Final = 30.0

app = Celery(
    "hitstream",
    broker=settings.BROKER_URL,
    set_as_current=True,
    task_cls="analytics_site.acknowledging:SureTask",
)
app.conf.update(
    broker_transport_options={
        "visibility_timeout": VISIBLE_AGAIN_S,
        "socket_timeout": SILENCE_S,
        "socket_connect_timeout": SILENCE_S,
        "socket_keepalive": True,
        "health_check_interval": SILENCE_S,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A sender is told that the broker is away instead of waiting for it.
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


class SparingScheduler(Scheduler):
    """Sends nothing that would wait behind the same: a broker must not fill up while no worker takes anything."""

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        queue = QUEUE_OF[entry.task]
        if queue_lengths()[queue] < MOST_WAITING[queue]:
            super().apply_entry(entry, producer=producer)


def queue_lengths() -> dict[str, int]:
    """Jobs that wait in each queue. Raises OSError where the broker does not answer."""
    with closing(Redis.from_url(settings.BROKER_URL, socket_timeout=SILENCE_S, socket_connect_timeout=SILENCE_S)) as it:
        try:
            return {name: int(it.llen(name)) for name in QUEUES}
        except RedisError as error:
            raise OSError(f"the broker does not answer: {error}") from error
