"""What an installation consists of: its secrets, as fingerprints, and the identities of its log, store and database.

`setup_cluster` (and `run`) records them in the database. What starts later compares: a machine with another secret,
log, store or database would count wrongly without anybody noticing.
"""

import hashlib
import hmac
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from collection.log import Log, LogUnavailable, open_log
from collection.log import known_id as known_log
from configuration.addresses import is_server
from configuration.deadline import within
from configuration.visitor_secrets import MISSING
from processing.models import InstallationPart, SecretFingerprint
from processing.store import Store, open_store
from processing.store import known_id as known_store
from processing.store.port import StoreUnavailable

SECRETS: Final = {"secret": "HITSTREAM_SECRET", "key": "SECRET_KEY"}
PARTS: Final = ("secret", "key", "log", "store")  # that may be accepted
ACCEPT: Final = "if it is to change, run `manage.py setup_cluster --accept {part}` once"
CONSEQUENCES: Final = {
    "secret": "every known visitor would count as new",
    "key": "those who signed in at another machine would be signed out",
}
COMPARE_S: Final = 10.0  # a log or store that does not answer sooner is compared when it is first used


class Server(NamedTuple):
    """`known_id` returns the id of what is there, "" if nothing is."""

    setting: str
    known_id: Callable[[], str]


SERVERS: Final = {
    "log": Server("LOG_URL", lambda: known_log(settings.LOG_URL)),
    "store": Server("STORE_URL", lambda: known_store(settings.STORE_URL)),
}


class WrongInstallation(ImproperlyConfigured):
    """This process is set up in another way than the installation; the message says what differs and what to do."""


def check() -> None:
    """Raises WrongInstallation if this process is set up in another way than was recorded, DatabaseError."""
    if found := complaints():
        raise WrongInstallation(" ".join(found))


def complaints() -> list[str]:
    """Compares the secrets, log and store of this process with what was recorded. Returns what differs.

    A log or store that does not answer now is compared when it is first used. Raises DatabaseError.
    """
    check_secrets_are_set()
    if not settings.IS_CLUSTER:
        return list(_wrong_secrets(("secret",)))
    if not InstallationPart.objects.exists():
        return [NOT_SET_UP]
    return [*_wrong_secrets(SECRETS), *_wrong_servers()]


NOT_SET_UP: Final = (
    "The database has no record of the secrets, the log and the store of this installation. Run"
    " `manage.py setup_cluster` once, on a machine that has the right settings; it changes no data."
)


def open_installed_log(timeout_s: float | None = None) -> Log:
    """Opens the log of LOG_URL, which must be that of this installation. Raises ValueError, LogUnavailable."""
    return open_log(settings.LOG_URL, lambda: expected("log"), timeout_s=timeout_s)


def open_installed_store(patience_s: float | None = None) -> Store:
    """Opens the store of STORE_URL, which must be that of this installation. Raises ValueError, StoreUnavailable."""
    return open_store(settings.STORE_URL, settings.SEGMENT_CACHE, lambda: expected("store"), patience_s)


def expected(part: str) -> str:
    """Returns the recorded id of the log or store, "" if any will do."""
    found = InstallationPart.objects.filter(part=part).first() if settings.IS_CLUSTER else None
    return found.identity if found else ""


def refuse_changes(accepted: Collection[str] = ()) -> None:
    """Compares before a set-up, when log and store may not be there yet. Raises WrongInstallation, and what they raise.

    `accepted`: the parts that may have changed.
    """
    check_secrets_are_set()
    found = [
        *_wrong_secrets(part for part in SECRETS if part not in accepted),
        *(
            sentence
            for part in SERVERS
            if part not in accepted
            for sentence in _differs(part, SERVERS[part].known_id())
        ),
    ]
    if found:
        raise WrongInstallation(" ".join(found))


@transaction.atomic
def record(log: Log, store: Store, accepted: Collection[str] = ()) -> list[str]:
    """Records what is not recorded yet, and what was accepted. Returns a sentence about each. Raises WrongInstallation.

    Log and store exist by now. All of it is recorded or nothing.
    """
    database, _ = InstallationPart.objects.get_or_create(part="database", defaults={"identity": uuid.uuid4().hex})
    if store.owner not in ("", database.identity) and "store" not in accepted:
        raise WrongInstallation(
            "The store belongs to another database: DATABASE_URL or STORE_URL names another one. Correct it;"
            f" {ACCEPT.format(part='store')}."
        )
    if store.owner != database.identity:
        store.set_owner(database.identity)
    fingerprints = {part: fingerprint(value) for part, value in _secrets().items()}
    sentences = [
        *_save(SecretFingerprint, "value", fingerprints, accepted),
        *_save(InstallationPart, "identity", {"log": log.id, "store": store.id}, accepted),
    ]
    return [f"Recorded: {', '.join(sentences)}."] if sentences else []


def record_secret() -> None:
    """Records the secret of an installation on one machine, unless it is recorded. Raises WrongInstallation."""
    check()
    SecretFingerprint.objects.get_or_create(part="secret", defaults={"value": fingerprint(_secrets()["secret"])})


def fingerprint(secret: str) -> str:
    """Returns a hash that is keyed with the secret, which cannot be computed from it."""
    return hmac.new(secret.encode(), b"hitstream: fingerprint of a secret", hashlib.sha256).hexdigest()


def _secrets() -> dict[str, str]:
    return {"secret": settings.INSTALLATION_SECRET, "key": str(settings.SECRET_KEY)}


def _save(
    model: type[SecretFingerprint | InstallationPart], field: str, values: Mapping[str, str], accepted: Collection[str]
) -> Iterator[str]:
    """Saves what is not there yet, or was accepted. Yields the names of what was saved."""
    recorded = dict(model.objects.values_list("part", field))
    for part, value in values.items():
        if part not in recorded or (part in accepted and recorded[part] != value):
            model.objects.update_or_create(part=part, defaults={field: value})
            yield f"the fingerprint of {SECRETS[part]}" if part in SECRETS else f"the {part}"


def check_secrets_are_set() -> None:
    """Raises ImproperlyConfigured. Django raises it by itself for an empty SECRET_KEY, in fewer words."""
    for name in settings.MISSING_SECRETS:
        raise ImproperlyConfigured(MISSING.format(name=name))


def _wrong_secrets(parts: Collection[str] | Iterator[str]) -> Iterator[str]:
    check_secrets_are_set()
    recorded = dict(SecretFingerprint.objects.values_list("part", "value"))
    for part in parts:
        if part in recorded and not hmac.compare_digest(recorded[part], fingerprint(_secrets()[part])):
            yield (
                f"{SECRETS[part]} is not that of this installation: {CONSEQUENCES[part]}. Set it to the value that the"
                f" other machines have, or restore the file in the data folder; {ACCEPT.format(part=part)}."
            )


def _wrong_servers() -> Iterator[str]:
    """Compares log and store, where others may be in their place: on a server, or beside a database on one."""
    for part, server in SERVERS.items():
        if is_server(getattr(settings, server.setting)) or is_server(settings.DATABASE_URL):
            try:
                yield from _differs(part, within(COMPARE_S, server.known_id))
            except (LogUnavailable, StoreUnavailable, TimeoutError):
                continue  # it is compared when it is first used


def _differs(part: str, found: str) -> Iterator[str]:
    """`found`: the id of the log or store that is there, "" if none is. Yields a sentence if it is another."""
    if expected(part) not in ("", found):
        what = "names another one" if found else "names one that is not there"
        yield (
            f"The {part} is not that of this installation: {SERVERS[part].setting} {what}. Correct it;"
            f" {ACCEPT.format(part=part)}."
        )
