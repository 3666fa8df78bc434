"""What an access log must count, worked out slowly from the definitions. It shares no code with the product.

Definitions. A line that was imported before (the same bytes, as often repeated before it in that import) is rejected as
`duplicate`, whatever it says. Any other line is rejected for the first reason that holds:

- `malformed`: it is in neither Apache's common nor its combined format, the calendar has no such time, the client is
  neither an IP address nor the name of a host, or the request is not a method, a target and a version. Targets and the
  names of users may contain spaces;
- `method`: the method is not GET;
- `status`: the status is neither 200 to 299, without 206, nor 304;
- `asset`: the path (what stands before ? and #) ends in one of a closed list of endings, in whatever case;
- `bot`: the user agent is a program's, as the given predicate says.

All others are page views. A visitor is an address with a user agent; a session is a visitor's page views without a gap
above the timeout. A session is engaged on a day if by the end of that local day it has two page views, or lasts more
than ten seconds.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ASSETS = set("css js mjs map png jpg jpeg gif svg ico webp avif woff woff2 ttf eot otf".split())  # noqa: SIM905
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DIGITS = set("0123456789")
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"b": b"\b"}
IsBot = Callable[[str], bool]
Day = str
Visitor = tuple[str, str]


class NotTheFormat(Exception):
    """The line cannot be read."""


@dataclass
class Line:
    address: str
    time: datetime
    request: str
    status: int
    user_agent: str


@dataclass
class PageView:
    visitor: Visitor
    time: datetime
    day: Day
    host: str
    path: str


@dataclass
class Account:
    """`reasons` counts the rejected lines, `views` are the counted ones, a session is its views in order of time."""

    lines: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    views: list[PageView] = field(default_factory=list)
    sessions: list[list[PageView]] = field(default_factory=list)

    def page_views(self, *names: str) -> Counter[tuple[str, ...]]:
        """By `host`, `path`, `day`, or several of them."""
        return Counter(tuple(getattr(view, name) for name in names) for view in self.views)

    def visitors(self, *names: str) -> dict[tuple[str, ...], int]:
        """How many there are, in all or by the same names. All are active: logs have no signal but page views."""
        found: dict[tuple[str, ...], set[Visitor]] = defaultdict(set)
        for view in self.views:
            found[tuple(getattr(view, name) for name in names)].add(view.visitor)
        return {key: len(visitors) for key, visitors in found.items()}

    def new_visitors(self) -> Counter[Day]:
        """By the day of a visitor's first page view."""
        first: dict[Visitor, PageView] = {}
        for view in self.views:
            if view.visitor not in first or view.time < first[view.visitor].time:
                first[view.visitor] = view
        return Counter(view.day for view in first.values())

    def sessions_with(self, *names: str) -> Counter[tuple[str, ...]]:
        """How many sessions have a page view there; without names: how many there are."""
        found: Counter[tuple[str, ...]] = Counter()
        for session in self.sessions:
            found.update({tuple(getattr(view, name) for name in names) for view in session})
        return found

    def engaged_sessions(self) -> Counter[Day]:
        return Counter(day for session in self.sessions for day in days_of(session) if engaged(session, day))

    def seconds(self) -> Counter[Day]:
        """The duration that falls on each day: from a session's last page view before that day to the day's last."""
        found: Counter[Day] = Counter()
        for session in self.sessions:
            begin = session[0].time
            for day in days_of(session):
                end = max(view.time for view in session if view.day == day)
                found[day] += round((end - begin).total_seconds())
                begin = end
        return found


def account(
    imports: Iterable[Sequence[bytes]], is_bot: IsBot, host: str = "", zone: str = "UTC", timeout_s: int = 1800
) -> Account:
    """Of one import after the other: the lines of all files that it was given."""
    result, known = Account(), set()
    for lines in imports:
        repeated: Counter[bytes] = Counter()
        for line in lines:
            repeated[line] += 1
            result.lines += 1
            if (line, repeated[line]) in known:
                result.reasons["duplicate"] += 1
            else:
                known.add((line, repeated[line]))
                _count(line, result, is_bot, host, ZoneInfo(zone))
    result.sessions = list(_sessions(result.views, timedelta(seconds=timeout_s)))
    return result


def verdict(line: bytes, is_bot: IsBot) -> str | None:
    """The reason for which a line is rejected, None for a page view."""
    try:
        read = parse(line)
        method, target, _ = words(read.request)
    except NotTheFormat:
        return "malformed"
    if method != "GET":
        return "method"
    if read.status == 206 or not (200 <= read.status < 300 or read.status == 304):
        return "status"
    name = path_of(target).rsplit(".", 1)
    if len(name) == 2 and name[1].lower() in ASSETS:
        return "asset"
    return "bot" if is_bot(read.user_agent) else None


def _count(line: bytes, result: Account, is_bot: IsBot, host: str, zone: ZoneInfo) -> None:
    reason = verdict(line, is_bot)
    if reason is not None:
        result.reasons[reason] += 1
        return
    read = parse(line)
    target = words(read.request)[1]
    day = read.time.astimezone(zone).date().isoformat()
    view = PageView((read.address, read.user_agent), read.time, day, host_of(target) or host, path_of(target) or "/")
    result.views.append(view)


def _sessions(views: list[PageView], timeout: timedelta) -> Iterable[list[PageView]]:
    of_visitor = defaultdict(list)
    for view in sorted(views, key=lambda view: view.time):
        of_visitor[view.visitor].append(view)
    for own in of_visitor.values():
        session = [own[0]]
        for view in own[1:]:
            if view.time - session[-1].time > timeout:
                yield session
                session = []
            session.append(view)
        yield session


def days_of(session: list[PageView]) -> list[Day]:
    return sorted({view.day for view in session})


def engaged(session: list[PageView], day: Day) -> bool:
    so_far = [view for view in session if view.day <= day]
    return len(so_far) >= 2 or so_far[-1].time - so_far[0].time > timedelta(seconds=10)


def path_of(target: str) -> str:
    """Of `/a?b#c`, and of `http://host/a?b#c`, which a request to a proxy names."""
    path = target.split("#")[0].split("?")[0]
    if not is_url(target):
        return path
    _, slash, behind = path.partition("://")[2].partition("/")
    return slash + behind


def host_of(target: str) -> str:
    if not is_url(target):
        return ""
    place = target.partition("://")[2]
    for end in "/?#":
        place = place.split(end)[0]
    return place.rpartition("@")[2].split(":")[0].lower().rstrip(".")


def is_url(target: str) -> bool:
    scheme, found, _ = target.partition("://")
    letters = scheme.replace("+", "").replace(".", "").replace("-", "")
    return bool(found) and scheme[:1].isalpha() and letters.isalnum() and scheme.isascii()


def parse(line: bytes) -> Line:
    """Raises NotTheFormat."""
    scan = Scanner(line.decode("utf-8", "replace"))
    address, _, _ = scan.word(), scan.word(), scan.until("[")
    if not (is_ip(address) or is_name(address)):
        raise NotTheFormat("address")
    time = to_time(scan.between("[", "]"))
    scan.skip(" ")
    request = scan.quoted()
    scan.skip(" ")
    status = scan.word()
    if len(status) != 3 or not set(status) <= DIGITS:
        raise NotTheFormat("status")
    size = scan.until_space()
    if size != "-" and not (size and set(size) <= DIGITS):
        raise NotTheFormat("size")
    user_agent = "-"
    if scan.rest().startswith(' "'):
        scan.skip(" ")
        scan.quoted()
        scan.skip(" ")
        user_agent = scan.quoted()
    if scan.rest().strip(" \r\n"):
        raise NotTheFormat("something follows")
    return Line(address, time, request, int(status), "" if user_agent == "-" else unescaped(user_agent))


def words(request: str) -> list[str]:
    """Method, target, version. Raises NotTheFormat."""
    found = [word for word in request.split(" ") if word]
    if len(found) < 3 or found[0] == "-" or (len(found) == 3 and found[1] == "-"):
        raise NotTheFormat("not three words")
    if len(found) > 3 and not found[-1].startswith("HTTP/"):
        raise NotTheFormat("no version")
    return [found[0], unescaped(request.strip()[len(found[0]) : -len(found[-1])].strip()), found[-1]]


def is_ip(text: str) -> bool:
    parts = text.split(".")
    if len(parts) == 4:
        return all(part.isdigit() and part == str(int(part)) and int(part) < 256 for part in parts)
    return "::" in text and set(text) <= set("0123456789abcdef:")


def is_name(text: str) -> bool:
    return "." in text and text.rpartition(".")[2].isalpha() and text.replace(".", "").isalnum() and text.isascii()


def to_time(text: str) -> datetime:
    """`17/May/2015:10:05:03 +0000`. Raises NotTheFormat."""
    shape = "00/Mon/0000:00:00:00 +0000"
    if len(text) != len(shape) or any((a in DIGITS) != (b == "0") for a, b in zip(text, shape, strict=True)):
        raise NotTheFormat("time")
    if (text[2], text[6], text[11], text[14], text[17], text[20]) != ("/", "/", ":", ":", ":", " ") or text[
        21
    ] not in "+-":
        raise NotTheFormat("time")
    hours, minutes = int(text[22:24]), int(text[24:26])
    ahead = timedelta(hours=hours, minutes=minutes) * (1 if text[21] == "+" else -1)
    seconds = int(text[18:20])
    try:
        day = datetime(int(text[7:11]), MONTHS.index(text[3:6]) + 1, int(text[:2]), tzinfo=UTC)
        minute = day.replace(hour=int(text[12:14]), minute=int(text[15:17]))
    except ValueError as error:
        raise NotTheFormat("time") from error
    if seconds > 60 or not 1970 <= minute.year < 9999:
        raise NotTheFormat("time")
    return minute + timedelta(seconds=seconds) - ahead


def unescaped(text: str) -> str:
    r"""`\"`, `\\`, `\x22` as servers write them; text that is then not UTF-8 stays as it is."""
    data, plain, at = text.encode(), b"", 0
    while at < len(data):
        letter = data[at + 1 : at + 2]
        code = data[at + 2 : at + 4].decode("latin-1")
        if data[at : at + 1] != b"\\" or not letter:
            plain, at = plain + data[at : at + 1], at + 1
        elif letter == b"x" and len(code) == 2 and set(code) <= set("0123456789abcdefABCDEF"):
            plain, at = plain + bytes([int(code, 16)]), at + 4
        else:
            plain, at = plain + ESCAPES.get(letter, letter), at + 2
    try:
        return plain.decode()
    except UnicodeDecodeError:
        return text


class Scanner:
    """Reads a line from left to right. Every step raises NotTheFormat where it does not find what it is asked for."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def rest(self) -> str:
        return self.text[self.at :]

    def skip(self, expected: str) -> None:
        if not self.rest().startswith(expected):
            raise NotTheFormat(f"{expected!r} is missing")
        self.at += len(expected)

    def word(self) -> str:
        """And the space behind it."""
        found = self.until_space()
        self.skip(" ")
        return found

    def until(self, mark: str) -> str:
        """What comes before the mark."""
        found, there, _ = self.rest().partition(mark)
        if not there:
            raise NotTheFormat(f"{mark!r} is missing")
        self.at += len(found)
        return found

    def until_space(self) -> str:
        start = self.at
        while self.at < len(self.text) and not self.text[self.at].isspace():
            self.at += 1
        if start == self.at:
            raise NotTheFormat("a word is missing")
        return self.text[start : self.at]

    def between(self, begin: str, end: str) -> str:
        self.skip(begin)
        found, _, _ = self.rest().partition(end)
        self.at += len(found)
        self.skip(end)
        return found

    def quoted(self) -> str:
        self.skip('"')
        start = self.at
        while not self.rest().startswith('"'):
            self.at += 2 if self.rest().startswith("\\") else 1
            if self.at >= len(self.text):
                raise NotTheFormat("a quotation mark is missing")
        found = self.text[start : self.at]
        self.skip('"')
        return found
