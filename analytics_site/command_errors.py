"""Errors of the command line that people can do something about: a sentence instead of a traceback."""

import errno
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError

from collection.log.port import LogError
from processing.store.port import StoreUnavailable

EXPECTED: Final = (ImproperlyConfigured, DatabaseError, InterfaceError, LogError, StoreUnavailable)
OF_THE_DISK: Final = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO),
    *(errno.EISDIR, errno.ENOTDIR),
)
NOTHING_HERE: Final = (
    "There is no Hitstream in the data folder {data}: its database has no tables, or older ones. Is HITSTREAM_DATA"
    " right? `manage.py run` starts a new installation there, and brings an older one up to date."
)


def is_of_the_disk(error: OSError) -> bool:
    """Returns whether a file cannot be used for a reason that an operator can remove."""
    return error.errno in OF_THE_DISK and error.filename is not None


def explain(error: BaseException) -> str:
    """Says what is wrong and where to look; `--traceback` on the command line shows the rest."""
    if isinstance(error, ImproperlyConfigured):
        return f"Hitstream does not start: {error}"
    if isinstance(error, OSError) and not isinstance(error, EXPECTED):  # perhaps while the settings are read
        return (
            f"{error.filename} cannot be used: {error.strerror}. The user of this process must be able to write the"
            " data folder (HITSTREAM_DATA) and everything in it."
        )
    from django.conf import settings

    if isinstance(error, LogError):
        return f"The log cannot be used: {error}. LOG_URL names it, by default in the data folder {settings.DATA}."
    if isinstance(error, StoreUnavailable):
        return f"The store cannot be used: {error}. STORE_URL names it, by default in the data folder {settings.DATA}."
    if _is_behind():
        return NOTHING_HERE.format(data=settings.DATA)
    return (
        f"The database cannot be used: {error}. DATABASE_URL names it, by default in the data folder {settings.DATA}"
        " (HITSTREAM_DATA)."
    )


def _is_behind() -> bool:
    from analytics_site.first_start import is_behind

    try:
        return is_behind()
    except (DatabaseError, InterfaceError):
        return False
