"""`Authorization: Bearer <token>` for the APIs."""

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from configuration.access.tokens import authenticate
from configuration.models import Token


class TokenAuthentication(BaseAuthentication):
    """Returns (user, token), or None for a request without a bearer token, which the next authentication then tries."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = authenticate(text.strip())
        if token is None:
            raise AuthenticationFailed("This token is unknown or revoked. Make a new one: manage.py issue_token.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Hitstream"'
