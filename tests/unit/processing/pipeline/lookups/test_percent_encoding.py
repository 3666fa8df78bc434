import re
from urllib.parse import quote, unquote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.pipeline.lookups.percent_encoding import MAY_CHANGE, canonical

ODD = st.text(st.sampled_from("%%%0123479aAbBcCdDeEfF~-./é\u202e\u00a0\u2044😀"), max_size=20)


def test_it_works() -> None:
    assert canonical("/%7euser/caf%c3%a9%2f") == "/~user/café%2F"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        *(("%41%5f%2D%2e%7E", "A_-.~"), ("%2f%3f%23%26%3d%25%20", "%2F%3F%23%26%3D%25%20"), ("a+b c", "a+b c")),
        *(
            ("%E4%BD%A0", "你"),
            ("你", "你"),
            ("%F0%9F%98%80", "😀"),
            ("%e9", "%E9"),
            ("%C3", "%C3"),
            ("%C3%A9%E9", "é%E9"),
        ),
        *(("%E2%80%AE", "%E2%80%AE"), ("\u202e", "%E2%80%AE"), ("%c2%a0", "%C2%A0"), ("\u00a0", "%C2%A0")),
        *(("%00%0a", "%00%0A"), ("%C2%85", "%C2%85"), ("%EF%BC%8F", "%EF%BC%8F"), ("\uff0f", "%EF%BC%8F")),
        *(("%E2%80%8B", "%E2%80%8B"), ("%F3%A0%80%81", "%F3%A0%80%81"), ("%E3%85%A4", "%E3%85%A4")),
        *(("%2541", "%2541"), ("%%34%31", "%%341"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("%ed%a0%80", "%ED%A0%80")),
        *(("%C0%AF", "%C0%AF"), ("<script>", "<script>"), ("", "")),
    ],
)
def test_escapes(sent: str, shown: str) -> None:
    assert canonical(sent) == shown


@given(st.text() | ODD)
def test_any_text_has_one_spelling(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    assert once.replace("%", "").isprintable() or not text.isascii() or text == once
    changes = pl.Series([text]).str.contains(MAY_CHANGE).item()
    assert changes or once == text


@given(st.text(st.characters(exclude_characters="%", exclude_categories=["Cs"])))
def test_a_text_and_its_encoding_are_one(text: str) -> None:
    lower = re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quote(text))
    assert canonical(quote(text)) == canonical(lower)
    assert unquote(canonical(quote(text))) == text
    beyond = "".join(letter for letter in text if not letter.isascii())
    assert canonical(beyond) == canonical(quote(beyond))
