"""What is checked before a command of `manage.py` starts: that its adapters are those of this installation."""

from collections.abc import Sequence
from typing import Final

# They check for themselves, or make what is compared.
CHECK_THEMSELVES: Final = frozenset({"up", "run", "setup_cluster", "setup_store", "setup_log"})
# They look at the program, not at an installation.
ABOUT_THE_PROGRAM: Final = frozenset(
    {"help", "version", "check", "makemigrations", "test", "collectstatic", "findstatic"}
)
PACKAGES: Final = ("analytics_site", "collection", "configuration", "processing", "reporting")
# fsck says what differs among its problems; a database may be copied whatever it belongs to.
NOT_REFUSED: Final = frozenset({"fsck", "copy_database"})


def check_before(arguments: Sequence[str]) -> None:
    """Raises ImproperlyConfigured, DatabaseError. `arguments` are those of the command line, `manage.py` first."""
    name = arguments[1] if len(arguments) > 1 else "help"
    if name.startswith("-") or name in CHECK_THEMSELVES | ABOUT_THE_PROGRAM or {"-h", "--help"} & set(arguments):
        return
    import django
    from django.core.management import get_commands

    django.setup()
    from configuration.adapters import check_adapters

    check_adapters()
    package = get_commands().get(name)
    if isinstance(package, str) and package in PACKAGES and name not in NOT_REFUSED:
        from processing import installation

        installation.check()
