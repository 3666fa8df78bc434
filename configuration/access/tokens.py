"""Access tokens: 256 random bits, shown once, stored as a SHA-256 hash. So many random bits need no slow hash."""

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import OperationalError

from configuration.clock import now
from configuration.models import Token

MARK: Final = "hs_"
SHOWN_CHARACTERS: Final = 9
USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


def issue(user: User, name: str, scope: str = Token.Scope.READ) -> str:
    """Makes a token and returns its text, which cannot be shown again."""
    token = Token(user=user, name=name, scope=scope)
    text = prepare(token)
    token.save()
    return text


def prepare(token: Token) -> str:
    """Gives a token that is not saved yet its secret, and returns it."""
    text = MARK + secrets.token_urlsafe(32)
    token.prefix, token.hash = text[:SHOWN_CHARACTERS], _hash(text)
    return text


def authenticate(text: str) -> Token | None:
    """Returns the token of this text with its user; None if it is unknown or revoked, or its user is not active."""
    valid = Token.objects.select_related("user").filter(revoked_at=None, user__is_active=True)
    token = valid.filter(hash=_hash(text)).first()
    if token:
        _note_use(token, now())
    return token


def revoke(token: Token) -> None:
    """Refuses the token from now on. A token that is revoked already keeps the time of that."""
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _note_use(token: Token, at: datetime) -> None:
    """Notes the time at most once a minute: a busy token would write at every request."""
    if token.last_used is None or at - token.last_used >= USE_IS_NOTED_EVERY:
        with suppress(OperationalError):  # a full disk must not stop reports: a later use is noted
            Token.objects.filter(pk=token.pk).update(last_used=at)
