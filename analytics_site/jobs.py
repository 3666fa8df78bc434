"""Sends the jobs of the dispatcher through Celery."""

from analytics_site.celery import queue_lengths  # defines the Celery application, which the tasks need
from processing import tasks


class CeleryJobs:
    """See `processing.workers.dispatcher.JobSender`."""

    def waiting(self, kind: str) -> int:
        return queue_lengths()[kind]

    def receive(self, number: int) -> None:
        tasks.receive.apply_async((number,))

    def seal(self, property: int) -> None:
        tasks.seal.apply_async((property,))
