"""Addresses of shared links: /shared/TOKEN/. Who has a token sees a property's overview, so that no log may hold it."""

import logging
import re
from typing import Final

PREFIX: Final = "/shared/"
TOKEN: Final = re.compile(rf"({PREFIX})[^/\s?#'\"]+")


class WithoutTokens(logging.Filter):
    """Writes the addresses of shared links without their tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if PREFIX in text:
            record.msg, record.args = TOKEN.sub(r"\1…", text), ()
        return True
