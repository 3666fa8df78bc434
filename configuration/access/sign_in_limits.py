"""Limits attempts to sign in, before a password's hash is computed (docs/adr/0026-sign-in-limits.md).

Each attempt is charged when it begins, so that attempts at once cannot pass a limit together, and given back if it was
right. A limit holds a number of tries and gets one more in a fixed time: whoever is refused need only wait, and an
attempt that is refused costs nothing.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final, NamedTuple

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from configuration.clock import now
from configuration.sign_in_records import SignInRecord

SITE_BITS: Final = 48  # of an IPv6 address: what one customer of a provider may have
LINK_BITS: Final = 64  # of an IPv6 address: within it, one machine has as many addresses as it likes
KNOWN_FOR: Final = timedelta(days=90)
KNOWN_AGAIN: Final = timedelta(days=1)  # so often the time of a known address is prolonged
NEW_FOR: Final = timedelta(minutes=1)
FORGOTTEN_AT_ONCE: Final = 1000  # expired records, by one attempt
MOST_DELETIONS: Final = 5  # of its records by others, before an attempt is refused


class TooManyAttempts(Exception):
    """`wait_s`: in so many seconds there is a try again."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many attempts to sign in; the next one is possible in {wait_s} s")
        self.wait_s = wait_s


class Limit(NamedTuple):
    """So many tries at once, and one more each `every`."""

    key: str
    tries: int
    every: timedelta

    def wait(self, until: datetime | None, moment: datetime) -> timedelta:
        """Returns how long it is to the next try; zero or less if there is one."""
        return (until - moment if until else timedelta()) - (self.tries - 1) * self.every


class Attempt:
    """An attempt under way. It failed, unless one of its methods is called."""

    def __init__(self, limits: Sequence[Limit], known: str) -> None:
        self._limits, self._known = limits, known

    def give_back(self) -> None:
        """Takes the charge back: no password was tried."""
        _give_back(self._limits)

    def succeed(self) -> None:
        """Forgets the failures of this name at this address, and remembers the address."""
        both, *others = self._limits
        SignInRecord.objects.filter(pk=both.key).delete()
        _give_back(others)
        moment, until = now(), now() + KNOWN_FOR
        if not SignInRecord.objects.filter(pk=self._known, until__gt=until - KNOWN_AGAIN, until__lte=until).exists():
            SignInRecord.objects.update_or_create(key=self._known, defaults={"until": moment + KNOWN_FOR})


def begin_attempt(name: str, address: str) -> Attempt:
    """Charges an attempt to sign in by this name from this address. Raises TooManyAttempts, without charging it.

    Where the name signed in before, only failures of this name at this address count: nobody elsewhere can lock its
    owner out.
    """
    limits, known = check_attempt(name, address)
    _charge(limits, now())
    return Attempt(limits, known)


def check_attempt(name: str, address: str) -> tuple[list[Limit], str]:
    """Returns the limits that an attempt would be charged to, and the key of the known address. Raises TooManyAttempts.

    It takes no lock and writes nothing, so that a flood of refused attempts costs little.
    """
    name, near, site = unicodedata.normalize("NFKC", name), _network(address, LINK_BITS), _network(address, SITE_BITS)
    tries = settings.SIGN_IN_TRIES
    known = _key("known", name, near)
    both = Limit(_key("both", name, near), tries, timedelta(minutes=1))
    of_address = Limit(_key("address", site), 2 * tries, timedelta(seconds=15))
    of_name = Limit(_key("name", name), 10 * tries, timedelta(seconds=30))
    moment = now()
    found = _read([known, both.key, of_address.key, of_name.key])
    limits = [both] if found.get(known, moment) > moment else [both, of_address, of_name]
    _check(limits, found, moment)
    return limits, known


def wait_s(name: str, address: str) -> int:
    """Returns for how many seconds an attempt would be refused; 0 if it would not, and where the database does not
    answer, which the attempt will find too.
    """
    try:
        check_attempt(name, address)
    except TooManyAttempts as refused:
        return refused.wait_s
    except DatabaseError:
        connection.close()
    return 0


@contextmanager
def attempt(name: str, address: str) -> Iterator[Attempt]:
    """An attempt that is given back if the block raises. Raises TooManyAttempts."""
    begun = begin_attempt(name, address)
    try:
        yield begun
    except BaseException:
        begun.give_back()
        raise


def forget_attempts() -> int:
    """Makes all tries free again, for every name and address; returns how many records there were."""
    return SignInRecord.objects.all().delete()[0]


def _charge(limits: Sequence[Limit], moment: datetime) -> None:
    """Raises TooManyAttempts."""
    keys = sorted(limit.key for limit in limits)
    _forget_expired(moment)
    for _ in range(MOST_DELETIONS):
        _create_missing(keys, moment)
        with transaction.atomic():
            rows = _lock(keys)
            if len(rows) == len(keys):  # else another attempt has just deleted one
                _check(limits, {key: row.until for key, row in rows.items()}, moment)
                for limit in limits:
                    _move(rows[limit.key], limit.every, moment)
                return
    raise TooManyAttempts(1)


def _forget_expired(moment: datetime) -> None:
    """Deletes some expired records, in a transaction of its own and without waiting for a lock: an attempt that held
    records of others could wait for one that waits for it. New records are left alone, since somebody is about to lock
    them.
    """
    can_skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        expired = SignInRecord.objects.select_for_update(skip_locked=can_skip).filter(until__lt=moment - NEW_FOR)
        keys = [row.key for row in expired[:FORGOTTEN_AT_ONCE]]
        if keys:
            SignInRecord.objects.filter(pk__in=keys).delete()


def _create_missing(keys: Sequence[str], moment: datetime) -> None:
    """Holds no lock when it returns, so that `_lock` can take all of them in one order."""
    known = _read(keys)
    missing = [SignInRecord(key=key, until=moment) for key in keys if key not in known]
    SignInRecord.objects.bulk_create(missing, ignore_conflicts=True)


def _give_back(limits: Sequence[Limit]) -> None:
    every = {limit.key: limit.every for limit in limits}
    with transaction.atomic():
        for key, row in _lock(sorted(every)).items():
            row.until -= every[key]
            row.save(update_fields=["until"])


def _lock(keys: Sequence[str]) -> dict[str, SignInRecord]:
    """In one order, so that two attempts cannot wait for each other."""
    rows = SignInRecord.objects.select_for_update().filter(pk__in=keys).order_by("key")
    return {row.key: row for row in rows}


def _move(row: SignInRecord, by: timedelta, moment: datetime) -> None:
    row.until = max(row.until, moment) + by
    row.save(update_fields=["until"])


def _read(keys: Sequence[str]) -> dict[str, datetime]:
    return dict(SignInRecord.objects.filter(pk__in=keys).values_list("key", "until"))


def _check(limits: Sequence[Limit], until: Mapping[str, datetime], moment: datetime) -> None:
    wait = max(limit.wait(until.get(limit.key), moment) for limit in limits)
    if wait > timedelta():
        raise TooManyAttempts(int(wait.total_seconds()) + 1)


def _network(address: str, bits: int) -> str:
    """Returns an IPv4 address as it is, and of an IPv6 address the network of so many bits."""
    try:
        network = ip_network(f"{address}/{bits}" if ":" in address else address, strict=False)
    except ValueError:
        return ""
    return str(network)


def _key(kind: str, *parts: str) -> str:
    return salted_hmac(f"hitstream.sign-in.{kind}", "\0".join(parts), algorithm="sha256").hexdigest()
