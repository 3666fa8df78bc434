"""Each rule of the default channel group, and the places where two of them meet."""

import pytest

from processing.pipeline.lookups.default_channels import CHANNELS, default_channel, source_category

CASES = [
    ("(direct)", "(none)", "(direct)", "Direct"),
    ("(direct)", "(not set)", "", "Direct"),
    ("(direct)", "cpc", "", "Paid Other"),
    ("google", "cpc", "x-Cross-Network-y", "Cross-network"),
    ("amazon.com", "cpc", "", "Paid Shopping"),
    ("google", "cpc", "Summer Shopping", "Paid Shopping"),
    ("google", "cpc", "my-shop", "Paid Shopping"),
    ("google", "cpc", "eshop", "Paid Shopping"),
    ("google", "cpc", "workshop", "Paid Search"),
    ("google", "cpc", "(not set)", "Paid Search"),
    ("Google", "CPC", "", "Paid Search"),
    ("bing", "paidsearch", "", "Paid Search"),
    ("google", "cpm", "", "Paid Search"),
    ("facebook.com", "paid_social", "", "Paid Social"),
    ("youtube.com", "cpv", "", "Paid Video"),
    ("adnetwork", "cpm", "", "Display"),
    ("adnetwork", "banner", "", "Display"),
    ("adnetwork", "retargeting", "", "Paid Other"),
    ("adnetwork", "ppc", "", "Paid Other"),
    ("chatgpt.com", "referral", "(referral)", "AI Assistant"),
    ("chatgpt.com", "(not set)", "(not set)", "AI Assistant"),
    ("ChatGPT", "organic", "shopping", "AI Assistant"),
    ("perplexity.ai", "cpc", "", "Paid Other"),
    ("whoever", "ai-assistant", "", "AI Assistant"),
    ("etsy.com", "referral", "", "Organic Shopping"),
    ("newsletter", "email", "shopping day", "Organic Shopping"),
    ("m.facebook.com", "referral", "", "Organic Social"),
    ("whoever", "Social-Network", "", "Organic Social"),
    ("youtube.com", "referral", "", "Organic Video"),
    ("whoever", "some video ad", "", "Organic Video"),
    ("google", "organic", "", "Organic Search"),
    ("duckduckgo", "referral", "", "Organic Search"),
    ("unknown-engine", "organic", "", "Organic Search"),
    ("blog.example.net", "referral", "", "Referral"),
    ("whoever", "app", "", "Referral"),
    ("whoever", "link", "", "Referral"),
    ("list", "e-mail", "", "Email"),
    ("e_mail", "x", "", "Email"),
    ("partner", "affiliate", "", "Affiliates"),
    ("podcast", "audio", "", "Audio"),
    ("sms", "x", "", "SMS"),
    ("x", "SMS", "", "SMS"),
    ("x", "webpush", "", "Mobile Push Notifications"),
    ("x", "mobile-app", "", "Mobile Push Notifications"),
    ("x", "a notification", "", "Mobile Push Notifications"),
    ("firebase", "x", "", "Mobile Push Notifications"),
    ("x", "y", "z", "Unassigned"),
    ("(not set)", "(not set)", "(not set)", "Unassigned"),
    ("x", "affiliates", "", "Unassigned"),
]


def test_it_works() -> None:
    assert default_channel("google", "organic", "(organic)") == "Organic Search"


@pytest.mark.parametrize(("source", "medium", "campaign", "expected"), CASES)
def test_rules(source: str, medium: str, campaign: str, expected: str) -> None:
    assert default_channel(source, medium, campaign) == expected
    assert default_channel(source.upper(), medium.upper(), campaign.upper()) == expected


def test_every_channel_has_a_case() -> None:
    assert {expected for *_, expected in CASES} == set(CHANNELS)
    assert len(CHANNELS) == 20


def test_a_name_with_line_breaks_is_matched_whole() -> None:
    assert default_channel("x", "a\ncpc", "") == "Paid Other"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        *(("google", "search"), ("l.facebook.com", "social"), ("facebook.com", "social"), ("t.co", "social")),
        *(("old.reddit.com", "social"), ("news.ycombinator.com", "social"), ("www.amazon.co.uk", "shopping")),
        *(("vimeo.com", "video"), ("player.vimeo.com", "video"), ("mail.google.com", ""), ("notfacebook.com", "")),
        *(("", ""), ("...", ""), ("facebook.com.example.net", ""), ("www.facebook.com", "social")),
        *(("de.linkedin.com", "social"), ("pt-br.facebook.com", "social"), ("someone.tumblr.com", "social")),
        *(("help.instagram.com", ""), ("developers.facebook.com", ""), ("support.discord.com", "")),
        *(("business.linkedin.com", ""), ("careers.tiktok.com", ""), ("mail.vk.com", ""), ("jobs.netflix.com", "")),
        *(
            ("aws.amazon.com", ""),
            ("docs.aws.amazon.com", ""),
            ("sellercentral.amazon.de", ""),
            ("amazon.de", "shopping"),
        ),
        *(("item.taobao.com", "shopping"), ("m.youtube.com", "video"), ("studio.youtube.com", "")),
        *(("mail.rambler.ru", ""), ("webmaster.yandex.ru", ""), ("tieba.baidu.com", "social")),
        *(("claude.ai", "assistant"), ("gemini.google.com", "assistant"), ("copilot.microsoft.com", "assistant")),
        *(("www.perplexity.ai", "assistant"), ("openai", "assistant"), ("you.com", "assistant")),
        *(("help.openai.com", ""), ("platform.openai.com", ""), ("docs.claude.com", ""), ("support.claude.ai", "")),
        *(("blog.perplexity.ai", ""), ("notchatgpt.com", ""), ("chatgpt.com.example.net", "")),
    ],
)
def test_categories(source: str, expected: str) -> None:
    assert source_category(source) == expected
