# SPDX-License-Identifier: Apache-2.0
"""Policies of an invented fax service, as fixed texts and as a hypothesis strategy."""

from __future__ import annotations

from hypothesis import strategies as st

SECTIONS = {
    "Introduction": "Example Fax carries your faxes. This policy says what we do with what we learn.",
    "What we collect": (
        "We collect the number you send to and the number you send from.\n\n"
        "*   The pages you send, until they have arrived.\n*   The time of each call.\n"
        "*   Your name and your postal address when you write to us."
    ),
    "Why we use it": "We use call times to send you a bill. We use your address to answer your letters.",
    "Who receives it": (
        "We give the number you send to to the telephone company that carries the call. "
        "We do not sell anything we know about you to anybody."
    ),
    "How long we keep it": (
        "Pages are deleted after 30 days. Bills are kept for 10 years because the law says so."
    ),
    "Your rights": "You may ask for a copy of your data at any time. You may ask us to mend or to delete it.",
    "Changes": (
        "We tell you about changes of this policy 30 days before they take effect, by fax and by mail."
    ),
    "Contact": "Write to privacy@example.com or to Example Fax, 1 Harbour Road, Example Town.",
}
TITLES = tuple(SECTIONS)


def section(title: str, body: str | None = None, *, level: int = 2) -> str:
    return f"{'#' * level} {title}\n\n{SECTIONS[title] if body is None else body}\n\n"


def policy(titles: tuple[str, ...] = TITLES, **bodies: str) -> str:
    """The policy with these sections; ``bodies`` replaces texts, by title with ``_`` for a space."""
    changed = {name.replace("_", " "): body for name, body in bodies.items()}
    return "# Example Fax privacy policy\n\n" + "".join(section(t, changed.get(t)) for t in titles)


_SCRAPS = (
    "we you fax page data keep share delete ask 30 days $5 [here](https://example.com/a?b=c) "
    "**not** _only_ may will 10% 電話 番号 بيانات naïve café it's re-send a\u00a0b x\u200by `code` "
    "2027-01-15 \\* | > # - * 1. <br> &amp; ** [ ]("
)
WORDS = st.sampled_from(_SCRAPS.split(" "))
LINES = st.builds(" ".join, st.lists(WORDS, min_size=0, max_size=12))
HEADINGS = st.one_of(
    st.builds("{} {}".format, st.sampled_from(["#", "##", "###"]), LINES),
    st.builds("{}\n---".format, LINES),
    st.builds("**{}**".format, LINES),
)
MARKERS = st.sampled_from(["", "", "", "*   ", "1.  ", "    ", "> ", "| a | ", "\t* "])
PARAGRAPHS = st.builds("{}{}".format, MARKERS, LINES)
MESSY = st.builds(
    lambda parts, gap, end: gap.join(parts) + end,
    st.lists(st.one_of(PARAGRAPHS, PARAGRAPHS, HEADINGS), max_size=14),
    st.sampled_from(["\n\n", "\n", "\r\n\r\n", "\n\n\n"]),
    st.sampled_from(["", "\n", "  ", "\r\n"]),
)
