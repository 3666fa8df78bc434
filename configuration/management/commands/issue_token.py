"""`manage.py issue_token USER --name N [--scope read|write]` prints a new token, once."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from configuration.access.tokens import issue
from configuration.models import Token


class Command(BaseCommand):
    help = "Make an access token for a user. It is printed once and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user name; the token sees what this user sees")
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument("--scope", choices=Token.Scope.values, default=Token.Scope.READ)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}. Make one: manage.py createsuperuser")
        self.stderr.write("Copy this token now: it is not shown again. Programs send it as `Authorization: Bearer …`.")
        self.stdout.write(issue(user, options["name"], options["scope"]))
