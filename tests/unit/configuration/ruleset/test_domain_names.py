import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.ruleset.domain_names import comparable_domain, read_domain, show_host


def test_it_works() -> None:
    assert show_host("www.xn--mller-kva.example") == show_host("www.müller.example") == "www.müller.example"
    assert read_domain("https://Müller.Example/") == "xn--mller-kva.example"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        *(("example.org", "example.org"), ("xn--r8jz45g.jp", "例え.jp"), ("例え。jp", "例え.jp")),
        *(("straße.example", "straße.example"), ("xn--strae-oqa.example", "straße.example")),
        *(("xn--i-7iq.ws", "xn--i-7iq.ws"), ("i❤.ws", "xn--i-7iq.ws"), ("xn--", "xn--"), ("xn--a", "xn--a")),
        *(("a\u2044b.example", "xn--ab-c6t.example"), ("\u202eabc.example", "xn--abc-4q0a.example")),
        *(("xn--pple-43d.example", "xn--pple-43d.example"), ("\u0430pple.example", "xn--pple-43d.example")),
        *(("[2001:db8::1]", "[2001:db8::1]"), ("a_b.xn--mller-kva.example", "a_b.müller.example"), ("", "")),
    ],
)
def test_hosts(host: str, shown: str) -> None:
    assert show_host(host) == shown


@pytest.mark.parametrize("text", ["pay.example", "Pay.Example", " https://pay.example:8080/x?y ", "pay.example."])
def test_a_domain_in_any_spelling_is_compared_in_one(text: str) -> None:
    assert comparable_domain(text) == "pay.example"


@given(st.text(max_size=300))
def test_any_host_is_shown_in_one_way(text: str) -> None:
    shown = show_host(text.lower())
    assert show_host(shown) == shown
    assert not {"\u202e", "\u2044", "\uff0f"} & set(shown)
