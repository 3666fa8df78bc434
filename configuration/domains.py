"""Domain names of forms and commands, in the form in which they are stored."""

import re

from django.core.exceptions import ValidationError

from configuration.ruleset.domain_names import read_domain


def clean_domain(text: str) -> str:
    """`https://www.Example.org/shop` -> `www.example.org`. Raises ValidationError for a text that is no host name."""
    name = read_domain(text)
    if name is None:
        raise ValidationError(
            "%(text)s is not a domain name. Write one like www.example.org.", params={"text": repr(text)}
        )
    return name


def clean_domains(text: str) -> str:
    """Domains that lines, commas or spaces separate -> one per line, each once, in the same order."""
    return "\n".join(dict.fromkeys(clean_domain(word) for word in re.split(r"[\s,]+", text) if word))
