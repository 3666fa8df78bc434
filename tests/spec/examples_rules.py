"""Each kind of rule: title, what it shows, rules, hits, answer, rejected hits, and published settings that differ."""

from typing import Any, Final

from configuration.ruleset.ruleset import (
    AllOf,
    AnyOf,
    BotRule,
    ChannelGroupRule,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InNetwork,
    InternalRule,
    KeyEventRule,
    NamedGroup,
    OneOf,
    ReferralRule,
    RewriteRule,
    SpamRule,
    Text,
)

FILTERS: Final[list[tuple[Any, ...]]] = [
    (
        "Exclude matching hits",
        "Case is ignored unless the condition asks for it. The name of the rule that rejected a hit is kept with"
        " it; if several rules apply, the first.",
        (
            FilterRule(name="No admin pages", action="exclude", when=Text("path", "begins", "/admin")),
            FilterRule(name="No tests", action="exclude", when=Text("path", "pattern", "^/.*/test[0-9]+$")),
        ),
        """
        at               | visitor | page
        2026-11-20 10:00 | ann     | /Admin/users
        2026-11-20 10:01 | ann     | /admin/x/test1
        2026-11-20 10:02 | ann     | /shop/test7
        2026-11-20 10:03 | ann     | /shop/testing
        """,
        """
        pagePath      | eventCount
        /shop/testing | 1
        """,
        """
        reason | rule           | hits
        filter | No admin pages | 2
        filter | No tests       | 1
        """,
    ),
    (
        "Count only matching hits",
        "With several including rules, an event must match each of them.",
        (
            FilterRule(name="Our pages", action="include", when=OneOf("path", ("/a", "/b"))),
            FilterRule(name="In German", action="include", when=Text("language", "begins", "de")),
        ),
        """
        at               | visitor | page | ul
        2026-11-20 10:00 | ann     | /a   | de-de
        2026-11-20 10:01 | ann     | /b   | en-us
        2026-11-20 10:02 | ann     | /c   | de-at
        2026-11-20 10:03 | ann     | /c   |
        """,
        """
        pagePath | eventCount
        /a       | 1
        """,
        """
        reason | rule      | hits
        filter | In German | 1
        filter | Our pages | 2
        """,
    ),
    (
        "Combine and negate conditions",
        "Here: events of one network that are not purchases, or any event from a headless page. IP addresses are"
        " compared as they are stored, without their last part.",
        (
            FilterRule(
                name="Lab",
                action="exclude",
                when=AnyOf(
                    (
                        AllOf((InNetwork(("192.0.2.0/24",)), Text("event", "equals", "purchase", negated=True))),
                        Text("parameter:headless", "equals", "1"),
                    )
                ),
            ),
        ),
        """
        at               | visitor | address      | event    | ep.headless
        2026-11-20 10:00 | ann     | 192.0.2.77   | scroll   |
        2026-11-20 10:01 | ann     | 192.0.2.77   | purchase |
        2026-11-20 10:02 | bob     | 198.51.100.7 | scroll   |
        2026-11-20 10:03 | bob     | 198.51.100.7 | scroll   | 1
        """,
        """
        eventName | eventCount
        purchase  | 1
        scroll    | 1
        """,
        """
        reason | rule | hits
        filter | Lab  | 2
        """,
    ),
    (
        "A rule that is off or in testing changes nothing",
        "",
        (
            FilterRule(name="Tested", action="exclude", when=Text("path", "equals", "/a"), state="testing"),
            FilterRule(name="Off", action="exclude", when=Text("path", "equals", "/a"), state="off"),
        ),
        """
        at               | visitor | page
        2026-11-20 10:00 | ann     | /a
        """,
        """
        pagePath | eventCount
        /a       | 1
        """,
        "",
    ),
]
REWRITES: Final[list[tuple[Any, ...]]] = [
    (
        "Lower case, search and replace",
        "Rules apply in their order, each to the result of the rules before it. Groups of a pattern are $1 or ${name}.",
        (
            RewriteRule(name="Small letters", field="path", change="lower_case"),
            RewriteRule(
                name="Without numbers",
                field="path",
                change="replace",
                search="^/product/[0-9]+/(.*)$",
                replacement="/product/$1",
                pattern=True,
            ),
            RewriteRule(name="No index", field="path", change="replace", search="/index.html", replacement="/"),
        ),
        """
        at               | visitor | page
        2026-11-20 10:00 | ann     | /Product/17/shoes
        2026-11-20 10:01 | ann     | /product/99/Shoes
        2026-11-20 10:02 | ann     | /shop/index.html
        """,
        """
        pagePath       | eventCount
        /product/shoes | 2
        /shop/         | 1
        """,
        "",
    ),
    (
        "Drop parameters of the page that have no meaning",
        "Campaign tags and click IDs are never part of the query.",
        (RewriteRule(name="Session ids", field="query", change="drop_parameters", parameters=("sid", "PHPSESSID")),),
        """
        at               | visitor | page
        2026-11-20 10:00 | ann     | /a?sid=1&color=red
        2026-11-20 10:01 | bob     | /a?color=red&PHPSESSID=2&utm_source=x
        2026-11-20 10:02 | cem     | /a?sid=3
        """,
        """
        pagePathPlusQueryString | eventCount
        /a                      | 1
        /a?color=red            | 2
        """,
        "",
    ),
    (
        "Fields that depend on a rewritten field change with it",
        "The channel follows from the medium, and the name of the event decides whether it is a page view. A rule"
        " can have conditions.",
        (
            RewriteRule(
                name="Our letter",
                field="medium",
                change="replace",
                search="(?s)^.*$",
                replacement="email",
                pattern=True,
                when=Text("source", "equals", "letter"),
            ),
            RewriteRule(name="Views", field="event", change="replace", search="show", replacement="page_view"),
        ),
        """
        at               | visitor | session | event | page
        2026-11-20 10:00 | ann     | 1       | show  | /a?utm_source=letter&utm_medium=x
        2026-11-20 10:00 | bob     | 2       | show  | /a?utm_source=other&utm_medium=x
        """,
        """
        sessionMedium | sessionDefaultChannelGroup | screenPageViews
        email         | Email                      | 1
        x             | Unassigned                 | 1
        """,
        "",
    ),
]
WHO: Final[list[tuple[Any, ...]]] = [
    (
        "Bots: the owner's rules win over the lists",
        "A program that a rule allows is counted, whatever other bot rules and the lists say.",
        (
            BotRule(name="Our monitor", action="allow", user_agent="curl/8.5"),
            BotRule(name="Spy", action="block", user_agent="SpyBrowser"),
        ),
        """
        at               | visitor | agent
        2026-11-20 10:00 | ann     | curl/8.5.0
        2026-11-20 10:00 | bob     | curl/7.1
        2026-11-20 10:00 | cem     | Mozilla/5.0 SpyBrowser/2
        """,
        """
        eventCount
        1
        """,
        """
        reason | rule | hits
        bot    |      | 1
        bot    | Spy  | 1
        """,
    ),
    (
        "Referrer spam",
        "A short list of known spam domains is on unless you switch it off; a rule adds domains, and all domains"
        " below them.",
        (SpamRule(name="More spam", domains=("cheap.example",)),),
        """
        at               | visitor | referrer
        2026-11-20 10:00 | ann     | https://www.cheap.example/x
        2026-11-20 10:00 | bob     | https://semalt.com/
        2026-11-20 10:00 | cem     | https://news.example/
        """,
        """
        sessionSource | eventCount
        news.example  | 1
        """,
        """
        reason | rule      | hits
        spam   |           | 1
        spam   | More spam | 1
        """,
    ),
    (
        "Internal traffic",
        "Internal hits are recognised by network, or by the traffic type that the tracker sends (`tt`).",
        (
            InternalRule(name="Office", networks=("198.51.100.0/24",)),
            InternalRule(name="Developers", traffic_type="developer"),
        ),
        """
        at               | visitor | address      | tt
        2026-11-20 10:00 | ann     | 198.51.100.7 |
        2026-11-20 10:00 | bob     | 192.0.2.7    | developer
        2026-11-20 10:00 | cem     | 192.0.2.7    |
        """,
        """
        eventCount
        1
        """,
        """
        reason   | rule       | hits
        internal | Developers | 1
        internal | Office     | 1
        """,
    ),
    (
        "Referral exclusions",
        "A visitor who comes back from a payment page did not come from there. The site's own domains are never a"
        " source.",
        (ReferralRule(name="Payment", domains=("pay.example.net",)),),
        """
        at               | visitor | session | referrer
        2026-11-20 10:00 | ann     | 1       | https://secure.pay.example.net/done
        2026-11-20 10:00 | bob     | 2       | https://example.net/
        2026-11-20 10:00 | cem     | 3       | https://shop.example/a
        """,
        """
        sessionSource | sessions
        (direct)      | 2
        example.net   | 1
        """,
        "",
    ),
]
GROUPS: Final[list[tuple[Any, ...]]] = [
    (
        "Your own channels",
        "The first channel that matches the session's first event applies; if none matches, it is `otherwise`, by"
        " default Unassigned.",
        (
            ChannelGroupRule(
                name="By team",
                channels=(
                    NamedGroup("Letters", OneOf("source", ("letter", "newsletter"))),
                    NamedGroup("Search", Text("channel", "ends", "Search")),
                ),
            ),
        ),
        """
        at               | visitor | session | page                 | referrer
        2026-11-20 10:00 | ann     | 1       | /?utm_source=letter  |
        2026-11-20 10:01 | ann     | 1       | /a                   |
        2026-11-20 10:00 | bob     | 2       | /                    | https://www.google.com/
        2026-11-20 10:00 | cem     | 3       | /                    |
        """,
        """
        sessionCustomChannelGroup:By team | sessions | eventCount
        Letters                           | 1        | 2
        Search                            | 1        | 1
        Unassigned                        | 1        | 1
        """,
        "",
    ),
    (
        "Content groups",
        "A content group can use the groups above it; filters, channel groups and key events can use content"
        " groups, too. The first one is also `contentGroup`.",
        (
            ContentGroupRule(
                name="Section",
                groups=(
                    NamedGroup("Shop", Text("path", "begins", "/shop")),
                    NamedGroup("Blog", Text("path", "begins", "/blog")),
                ),
            ),
            ContentGroupRule(
                name="Aim",
                groups=(NamedGroup("Sell", Text("content_group:Section", "equals", "Shop")),),
                otherwise="Tell",
            ),
        ),
        """
        at               | visitor | page
        2026-11-20 10:00 | ann     | /shop/a
        2026-11-20 10:01 | ann     | /shop/b
        2026-11-20 10:02 | ann     | /blog/c
        2026-11-20 10:03 | ann     | /about
        """,
        """
        contentGroup | contentGroup:Aim | eventCount
        (not set)    | Tell             | 1
        Blog         | Tell             | 1
        Shop         | Sell             | 2
        """,
        "",
    ),
]
AIMS: Final[list[tuple[Any, ...]]] = [
    (
        "Key events and their value",
        "The value is that of the parameter, or else the rule's. Events that the client marks are key events as well.",
        (
            KeyEventRule(name="Bought", event="purchase", value="10", value_parameter="value"),
            KeyEventRule(name="Saw prices", event="page_view", when=Text("path", "equals", "/prices"), value="0.25"),
        ),
        """
        at               | visitor | event     | page    | epn.value | key
        2026-11-20 10:00 | ann     | purchase  | /done   | 12.5      |
        2026-11-20 10:01 | ann     | purchase  | /done   |           |
        2026-11-20 10:02 | ann     | page_view | /prices |           |
        2026-11-20 10:03 | ann     | page_view | /a      |           |
        2026-11-20 10:04 | ann     | call      | /a      |           | 1
        """,
        """
        eventName | eventCount | keyEvents | keyEventValue
        call      | 1          | 1         | 0
        page_view | 2          | 1         | 0.25
        purchase  | 2          | 2         | 22.5
        """,
        "",
    ),
    (
        "Once a session",
        "Only the first event of a session counts, and only its value.",
        (KeyEventRule(name="Signed up", event="sign_up", once="session", value="5", slot=0),),
        """
        at               | visitor | session | event
        2026-11-20 10:00 | ann     | 1       | sign_up
        2026-11-20 10:01 | ann     | 1       | sign_up
        2026-11-20 10:02 | ann     | 2       | sign_up
        """,
        """
        eventCount | keyEvents | keyEventValue
        3          | 2         | 10
        """,
        "",
    ),
    (
        "Implied events can be key events",
        "A first visit is sent as a flag of another event.",
        (KeyEventRule(name="New visitor", event="first_visit", value="1.5"),),
        """
        at               | visitor | session | first
        2026-11-20 10:00 | ann     | 1       | 1
        2026-11-20 10:01 | ann     | 1       |
        """,
        """
        eventName   | keyEvents | keyEventValue
        first_visit | 1         | 1.5
        """,
        "",
    ),
]
CUSTOM: Final[list[tuple[Any, ...]]] = [
    (
        "Custom dimensions",
        "They show parameters of the event (`ep.`, `epn.` on the wire) and user properties (`up.`, `upn.`), as the"
        " hit itself carries them.",
        (
            CustomDimensionRule(name="Plan", parameter="plan"),
            CustomDimensionRule(name="Tier", parameter="tier", scope="user"),
        ),
        """
        at               | visitor | ep.plan     | up.tier
        2026-11-20 10:00 | ann     | gold & free | a
        2026-11-20 10:01 | ann     | gold & free |
        2026-11-20 10:02 | ann     |             | a
        """,
        """
        customEvent:plan | customUser:tier | eventCount
        (not set)        | a               | 1
        gold & free      | (not set)       | 1
        gold & free      | a               | 1
        """,
        "",
    ),
    (
        "Custom metrics",
        "They are the sum of a parameter; values that are not numbers are left out. Sums are exact to a millionth.",
        (CustomMetricRule(name="Price", parameter="price", unit="currency"),),
        """
        at               | visitor | page | epn.price | ep.price
        2026-11-20 10:00 | ann     | /a   | 0.1       |
        2026-11-20 10:01 | ann     | /a   |           | 0.2
        2026-11-20 10:02 | ann     | /a   |           | free
        2026-11-20 10:03 | ann     | /b   | 5         |
        """,
        """
        pagePath       | customEvent:price
        /a             | 0.3
        /b             | 5
        RESERVED_TOTAL | 5.3
        """,
        "",
    ),
]
BASICS: Final[list[tuple[Any, ...]]] = [
    (
        "Lists can be switched off",
        "Here `bot_lists` and `spam_list` are false.",
        (),
        """
        at               | visitor | agent    | referrer
        2026-11-20 10:00 | ann     | curl/8.5 |
        2026-11-20 10:00 | bob     |          | https://semalt.com/
        """,
        """
        sessionSource | eventCount
        (direct)      | 1
        semalt.com    | 1
        """,
        "",
        {"bot_lists": False, "spam_list": False},
    ),
]
EXAMPLES: Final = {
    "Filters": FILTERS,
    "Rewrites": REWRITES,
    "Bots, spam, internal traffic, referrers": WHO,
    "Channel groups and content groups": GROUPS,
    "Key events": AIMS,
    "Custom dimensions and metrics": CUSTOM,
    "Lists": BASICS,
}
