"""Signs people in with name and password: on the sign-in pages, and wherever else Django's `authenticate` is called."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from configuration.access.sign_in_limits import attempt


class LimitedBackend(ModelBackend):
    """Django's own, with limits on the attempts of each name and each address.

    REMOTE_ADDR is the client's address as the collector finds it, with the headers of trusted proxies.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Raises TooManyAttempts before, and HashesBusy instead of, computing a hash. Code without a request is not
        limited.
        """
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        with attempt(username, request.META.get("REMOTE_ADDR", "")) as begun:
            user = super().authenticate(request, username, password, **kwargs)
            if user is not None:
                begun.succeed()
            return user
