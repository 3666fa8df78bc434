"""Looks at the first lines of a file before any is imported: in which formats they are, if in any."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from collection.access_logs.files import LineFile
from collection.log_lines import NO_TIME, UnreadableLine, layout_of, read_line, time_ms
from collection.protocols.decoded import as_text

LINES: Final = 1000
EXAMPLES: Final = 2
LONGEST_EXAMPLE: Final = 200
FORMATS: Final = (
    "common, combined, vhost_combined, combinedio and nginx's main, with any further fields after the user agent; "
    "JSON objects with the usual names, as nginx, Apache, Caddy and Traefik write them"
)
EXAMPLE_FORMAT: Final = """--format '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'"""


class Malformed(NamedTuple):
    """One line that cannot be read. Lines are numbered from 1."""

    number: int
    text: str
    cause: str


class Survey(NamedTuple):
    """`layouts`: how many lines are in which format. `malformed`: those that are in none."""

    file: str
    lines: int
    layouts: Counter[str]
    malformed: Sequence[Malformed]

    @property
    def is_foreign(self) -> bool:
        """Whether more than half of the lines cannot be read: probably a file of another kind, or in another format."""
        return 2 * len(self.malformed) > self.lines

    def explanation(self) -> str:
        """Says what was recognised, with example lines, and which formats there are."""
        found = ", ".join(f"{number:,} of {name}" for name, number in self.layouts.most_common()) or "nothing"
        examples = [
            f"  line {each.number:,}, {each.cause}:\n    {printable(each.text)}" for each in self.malformed[:EXAMPLES]
        ]
        return "\n".join(
            [
                f"Nothing is imported: of the first {self.lines:,} lines of {self.file}, {len(self.malformed):,} cannot"
                f" be read. Recognised: {found}. For example:",
                *examples,
                f"Without an option these are read: {FORMATS}.",
                "For another format, give its string as it stands in the configuration of Apache or nginx, such as",
                f"  {EXAMPLE_FORMAT}",
                "To import the file as it is, and have its broken lines rejected as malformed, add --force.",
            ]
        )


def survey(file: LineFile, format: str | None = None) -> Survey:
    """Reads the first LINES lines of the file, which `LineFile.batches` yields again."""
    layouts, malformed = Counter[str](), list[Malformed]()
    lines = file.first_lines(LINES)
    for number, text in enumerate(map(as_text, lines), 1):
        try:
            fields = read_line(text, format)
            if time_ms(fields.time) is None:
                raise UnreadableLine(NO_TIME)
            layouts[fields.layout or layout_of(fields)] += 1
        except UnreadableLine as error:
            malformed.append(Malformed(number, text, str(error)))
    return Survey(file.name, len(lines), layouts, malformed)


def printable(text: str) -> str:
    """Returns the beginning of a text with escapes for all that a terminal would not show as a letter."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:LONGEST_EXAMPLE])
    return f"{shown}…" if len(text) > LONGEST_EXAMPLE else shown
