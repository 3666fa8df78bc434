"""Reads settings from a file, as systemd does with `EnvironmentFile=`: `manage.py --env-file FILE COMMAND`.

The file must mean the same to systemd, to a shell and to us: a value is in single quotes, or has no character that one
of them reads in its own way, such as & ; $ # or a space. So the value of every line is read whole or refused.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from analytics_site.env import override

OPTION: Final = "--env-file"
_LINE: Final = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?:'(?P<quoted>[^'\\\0\r]*)'|(?P<plain>[\w./:@,%+=?-]*))[ \t]*", re.ASCII
)


class InvalidEnvironmentFile(Exception):
    """The file cannot be read, or one of its lines; the message shows no value."""


def take_env_file(arguments: Sequence[str]) -> list[str]:
    """Sets the variables of the file that `--env-file FILE` names, in the place of those of the environment.

    Returns the arguments without the option. Raises InvalidEnvironmentFile.
    """
    rest = list(arguments)
    for place, word in enumerate(rest):
        if word == OPTION and place + 1 < len(rest):
            override(read_env_file(Path(rest[place + 1])))
            return rest[:place] + rest[place + 2 :]
        if word.startswith(f"{OPTION}="):
            override(read_env_file(Path(word.partition("=")[2])))
            return rest[:place] + rest[place + 1 :]
        if word == OPTION:
            raise InvalidEnvironmentFile(f"{OPTION} needs the name of a file.")
    return rest


def read_env_file(path: Path) -> dict[str, str]:
    """Raises InvalidEnvironmentFile."""
    try:
        return dict(_variables(path, path.read_bytes().decode().split("\n")))
    except OSError as error:
        raise InvalidEnvironmentFile(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidEnvironmentFile(f"{path} is not text in UTF-8.") from error


def _variables(path: Path, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise InvalidEnvironmentFile(
                f"{path}, line {number}: write NAME='value'. A value with other characters than letters, digits and"
                " ./:@,%+=?-_ is in single quotes, and holds no single quote and no backslash."
            )
        if found["name"] in seen:
            raise InvalidEnvironmentFile(f"{path}, line {number}: {found['name']} comes twice.")
        seen.add(found["name"])
        yield found["name"], found["quoted"] if found["quoted"] is not None else found["plain"]
