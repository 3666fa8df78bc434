"""The settings that hits are received under, as plain frozen values: no Django, no clock, no secret.

A context is named by the hash of its content.
"""

import hashlib
from typing import Final, Literal

import msgspec

IdentityMode = Literal["cookie", "cookieless"]
UNKNOWN_PROPERTY: Final = 0


class ReceiveSettings(msgspec.Struct, frozen=True, gc=False):
    """One property. `address_bits` (IPv4, IPv6) are the leading bits that are kept; (0, 0) keeps nothing.

    Contexts from before `remove_personal_data` do not have it: their hits were stored as they came.
    """

    id: int
    measurement_id: str
    name: str = ""
    domains: tuple[str, ...] = ()
    zone: str = "Etc/UTC"
    currency: str = "USD"
    session_timeout_s: int = 1800
    identity: IdentityMode = "cookie"
    address_bits: tuple[int, int] = (24, 48)
    rules: int = 0
    remove_personal_data: bool = False


class Context(msgspec.Struct, frozen=True):
    """Everything that decides how a range is received: frozen before the first attempt, the same at every attempt.

    Since format 2, personal data is removed from hits of unknown properties.
    """

    properties: tuple[ReceiveSettings, ...]
    lists: str = ""
    places: str = ""
    format: int = 2

    def property(self, number: int) -> ReceiveSettings:
        """Returns the settings of a property; an unknown number has the defaults of property 0."""
        return self._by_id().get(number, UNKNOWN)

    def of_unknown(self) -> ReceiveSettings:
        """The settings of hits that belong to no known property."""
        return UNKNOWN if self.format < 2 else CLEANED_UNKNOWN

    def by_measurement_id(self) -> dict[str, int]:
        return {settings.measurement_id: settings.id for settings in self.properties}

    def _by_id(self) -> dict[int, ReceiveSettings]:
        return {settings.id: settings for settings in self.properties}


UNKNOWN: Final = ReceiveSettings(id=UNKNOWN_PROPERTY, measurement_id="", name="unknown")
CLEANED_UNKNOWN: Final = msgspec.structs.replace(UNKNOWN, remove_personal_data=True)


def encode_context(context: Context) -> bytes:
    return msgspec.json.encode(context, order="deterministic")


def decode_context(data: bytes) -> Context:
    return msgspec.json.decode(data, type=Context)


def context_id(context: Context) -> str:
    return hashlib.blake2b(encode_context(context), digest_size=16).hexdigest()
