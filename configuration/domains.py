"""Domain names in one form, however people type them."""

import re
from typing import Final

from django.core.exceptions import ValidationError

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*://")


def clean_domain(text: str) -> str:
    """`https://www.Example.org/shop` -> `www.example.org`. Raises ValidationError for a text that is no host name."""
    host = re.split(r"[/?#:]", _SCHEME.sub("", text.strip().lower()), maxsplit=1)[0].rstrip(".")
    try:
        name = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError as error:
        raise _refusal(text) from error
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _refusal(text)
    return name


def clean_domains(text: str) -> str:
    """Domains that lines, commas or spaces separate -> one per line, each once, in the same order."""
    return "\n".join(dict.fromkeys(clean_domain(word) for word in re.split(r"[\s,]+", text) if word))


def _refusal(text: str) -> ValidationError:
    return ValidationError(
        "%(text)s is not a domain name. Write one like www.example.org.", params={"text": repr(text)}
    )
