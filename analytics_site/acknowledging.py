"""A worker whose job cannot be acknowledged ends, and is started again.

Celery notes that an acknowledgement failed, and goes on; but the message stays one that was delivered, and with room
for one at a time the worker never takes another.
"""

import logging
from typing import Any

from celery import Task
from celery.worker import state
from celery.worker.request import Request

logger = logging.getLogger(__name__)

FAILED = 1  # exit status


class SureRequest(Request):
    acknowledged: bool

    def acknowledge(self) -> None:
        if not self.acknowledged:
            _or_end(self.message.ack, self._connection_errors)
            self.acknowledged = True

    def reject(self, requeue: bool = False) -> None:
        if not self.acknowledged:
            _or_end(lambda: self.message.reject(requeue=requeue), self._connection_errors)
            self.acknowledged = True


class SureTask(Task):
    abstract = True
    Request = "analytics_site.acknowledging:SureRequest"


def _or_end(say: Any, connection_errors: tuple[type[Exception], ...]) -> None:
    try:
        say()
    except connection_errors as error:
        logger.warning("a job cannot be acknowledged, this worker begins anew: %s", error)
        state.should_stop = FAILED
