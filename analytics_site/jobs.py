"""Sends the jobs of the dispatcher through Celery."""

from kombu.exceptions import OperationalError

from analytics_site.celery import queue_lengths  # defines the Celery application, which the tasks need
from configuration.outages import OUTAGES
from processing import tasks


class CeleryJobs:
    """See `processing.workers.dispatcher.JobSender`."""

    def waiting(self, kind: str) -> int:
        return queue_lengths()[kind]

    def receive(self, number: int) -> None:
        with OUTAGES.watch("broker", OperationalError):
            tasks.receive.apply_async((number,))

    def seal(self, property: int) -> None:
        with OUTAGES.watch("broker", OperationalError):
            tasks.seal.apply_async((property,))
