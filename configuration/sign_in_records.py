"""What is kept of attempts to sign in: no name and no address, only hashes that nobody can read without SECRET_KEY."""

from django.db import models


class SignInRecord(models.Model):
    """Failed attempts of a name, an address, or both; or the fact that a name signed in from an address before.

    `until`: when all of its attempts are free again, or when the fact is forgotten. After that the row means nothing.
    """

    key = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
