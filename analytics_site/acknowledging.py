"""Stops a worker whose job cannot be acknowledged; its supervisor starts it again.

Celery logs a failed acknowledgement and continues. But the message still counts as delivered to the worker, and with a
prefetch limit of one the worker would never receive another.
"""

import logging
from typing import Any

from celery import Task
from celery.worker import state
from celery.worker.request import Request

logger = logging.getLogger(__name__)

FAILED = 1  # exit status


class AcknowledgedRequest(Request):
    acknowledged: bool

    def acknowledge(self) -> None:
        if not self.acknowledged:
            _stop_if_it_fails(self.message.ack, self._connection_errors)
            self.acknowledged = True

    def reject(self, requeue: bool = False) -> None:
        if not self.acknowledged:
            _stop_if_it_fails(lambda: self.message.reject(requeue=requeue), self._connection_errors)
            self.acknowledged = True


class AcknowledgedTask(Task):
    abstract = True
    Request = "analytics_site.acknowledging:AcknowledgedRequest"


def _stop_if_it_fails(send: Any, connection_errors: tuple[type[Exception], ...]) -> None:
    try:
        send()
    except connection_errors as error:
        logger.warning("a job cannot be acknowledged, so this worker restarts: %s", error)
        state.should_stop = FAILED
