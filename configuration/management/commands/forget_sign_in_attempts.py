"""`manage.py forget_sign_in_attempts`: lets everybody try to sign in again at once."""

from typing import Any

from django.core.management.base import BaseCommand

from configuration.access.sign_in_limits import forget_attempts
from configuration.numbers import how_many


class Command(BaseCommand):
    help = "Forget all failed attempts to sign in, so that nobody has to wait for the next one."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Forgotten: {how_many(forget_attempts(), 'record')}. Everybody can sign in again at once.")
