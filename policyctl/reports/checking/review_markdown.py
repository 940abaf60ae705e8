# SPDX-License-Identifier: Apache-2.0
"""A review in the words a lawyer reads, as Markdown: the comment under a pull request, a job's summary.

1. First what follows, then what was found, then which clauses changed, last their redlines, folded.
2. Every word that comes from a policy is inert: no markup, no HTML, no mention of a person, no link.
3. It fits: what does not is counted, with a link to the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from policyctl.reports.checking.checked import STATE_WORDS, State
from policyctl.reports.checking.review_v1 import (
    FRONT_MATTER,
    ClauseRow,
    ErrorRow,
    FindingRow,
    PolicyRow,
    Review,
    Words,
)
from policyctl.reports.comparing.markdown import escaped
from policyctl.reports.words import counted, mark_space, one_line

COMMENT_LIMIT, SUMMARY_LIMIT = 65_000, 1_000_000
"""Bytes. GitHub takes 65,536 characters of a comment and 1 MiB of a summary."""
MARKER = "<!-- policyctl:review -->"
"""The first line of our comment: by it we find it again."""
_TAIL = 400  # bytes kept free for the closing lines

_CLASSES = {
    "editorial": "nobody is asked anything; administrators get a copy",
    "notice": "administrators are mailed before it takes effect",
    "choice": "the people concerned are asked, and may refuse",
    "transition": "everybody is told before another company takes over",
}
_RANKS = tuple(_CLASSES)
_IS = {State.NEW: "is ", State.ADDED: "is ", State.UNCHANGED: "is ", State.FORMAT_ONLY: "is "}
_SIGNS = {"-": ("<del>", "</del>"), "+": ("<ins>", "</ins>"), "=": ("", "")}
_LIVE = re.compile(r"[@#](?=\w)|(?<=\w):(?=//)|\bwww(?=\.)|\bGH(?=-)", re.IGNORECASE)


def render_comment(review: Review, *, link: str = "") -> str:
    """The comment, its marker first; ``link`` leads to the run that has the whole report."""
    return f"{MARKER}\n{render_review(review, limit=COMMENT_LIMIT, link=link)}"


def render_review(review: Review, *, limit: int = 0, link: str = "") -> str:
    """The review as Markdown of at most ``limit`` bytes (0: any number), a newline at its end."""
    page = _Page(limit - _TAIL if limit else 0)
    for error in review.errors:
        page.add(_error(error))
    count = len(review.policies)
    for number, policy in enumerate(review.policies):
        page.share(count - number)
        for section in _sections(policy):
            page.add(section)
    if not review.policies and not review.errors:
        page.add("No policy was looked at.")
    return page.ended(link)


def inert(text: str) -> str:
    """Text of somebody else, as Markdown that shows it and does nothing: GitHub makes mentions and links
    of plain words too, so those are broken by an empty comment.
    """
    return _LIVE.sub(lambda match: f"{match[0]}<!-- -->", escaped(text))


def _line(text: str) -> str:
    return inert(one_line(text))


class _Page:
    """Parts in order while there is room; what found none is counted."""

    def __init__(self, room: int) -> None:
        self._room, self._used, self._until, self._left_out = room, 0, room, 0
        self._parts: list[str] = []

    def share(self, remaining: int) -> None:
        """From here on one of ``remaining`` policies may use its share of what is free."""
        self._until = self._used + (self._room - self._used) // remaining

    def add(self, part: str) -> None:
        size = len(part.encode("utf-8", "surrogatepass")) + 2
        if self._room and self._used + size > self._until:
            self._left_out += 1
            return
        self._used += size
        self._parts.append(part)

    def ended(self, link: str) -> str:
        parts = self._parts
        if self._left_out:
            parts = [*parts, f"*{counted(self._left_out, 'part')} more would not fit here.*"]
        if link:
            parts = [*parts, f"[The whole report]({link}) is in the summary of the check's run."]
        return "\n\n".join(parts) + "\n"


def _sections(policy: PolicyRow) -> Iterator[str]:
    yield _head(policy)
    if steps := list(_steps(policy)):
        yield "**What to do next**\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1))
    for error in policy.errors:
        yield _error(error)
    if policy.audience:
        yield "**Who would be told now:** " + ", ".join(
            f"{counted(row.addressees, one_line(row.audience).removesuffix('s'))} ({_line(row.notice)})"
            for row in policy.audience
        )
    if policy.findings:
        yield f"**{counted(len(policy.findings), 'finding')}**"
        yield from (_finding(finding) for finding in policy.findings)
    if policy.waived:
        yield f"{counted(policy.waived, 'finding')} more waived on record."
    yield from _tables(policy.clauses)
    yield from (_redline(clause) for clause in policy.clauses if clause.redline)


def _head(policy: PolicyRow) -> str:
    name = _line(policy.title or policy.name)
    state = State(policy.state) if policy.state in set(State) else State.NOT_COMPARED
    against = f" Compared with `{_code(policy.base)}`." if policy.base else ""
    if state not in {State.CHANGED, State.REMOVED}:
        return f"## {name}\n\nThe text {_IS.get(state, '')}{STATE_WORDS[state]}.{against}"
    if not policy.material:
        return f"## {name}\n\n**Nothing that matters to a reader.** {_counts(policy)}{against}"
    needed = _class(policy.needed)
    gone = " The policy is removed: readers lose all of it." if state is State.REMOVED else ""
    return (
        f"## {name}: this change is material\n\nIt needs at least the class {needed}.{gone} "
        f"{_counts(policy)}{against}"
    )


def _code(text: str) -> str:
    return one_line(text).replace("`", "'")


def _class(name: str) -> str:
    meaning = _CLASSES.get(name)
    return f"**{name}** ({meaning})" if meaning else f"**{_line(name)}**"


def _counts(policy: PolicyRow) -> str:
    words = f"{counted(policy.inserted, 'word')} written, {counted(policy.deleted, 'word')} struck"
    clauses = [clause for clause in policy.clauses if clause.name != FRONT_MATTER or clause.new_lines]
    return f"{counted(len(clauses), 'clause')} changed, {words}."


def _steps(policy: PolicyRow) -> Iterator[str]:
    if policy.state == State.NOT_COMPARED:
        yield "Nothing is known about this change: mend what is said below, then run the check again."
        return
    doubtful = sum(finding.undecided for finding in policy.findings)
    errors = sum(finding.severity == "error" for finding in policy.findings)
    if doubtful:
        yield (
            f"Read what is marked *a person must decide* ({counted(doubtful, 'finding')}). "
            "Until somebody has decided, it counts as material."
        )
    if policy.kept and policy.material and policy.state == State.CHANGED:
        yield from _decision(policy)
    if errors:
        number = counted(errors, "finding")
        yield f"Answer what is marked *error* ({number}): until then it cannot be published."
    if policy.kept and policy.state == State.CHANGED and not errors and _is_decided(policy):
        yield "Nothing else is in the way: merge, then run the workflow that publishes."


def _is_decided(policy: PolicyRow) -> bool:
    if not policy.material:
        return True
    known = policy.declared in _RANKS and policy.needed in _RANKS
    return known and _RANKS.index(policy.declared) >= _RANKS.index(policy.needed)


def _decision(policy: PolicyRow) -> Iterator[str]:
    """The class: undecided, too low, or decided."""
    if policy.declared not in _RANKS:
        yield (
            f"Decide the class. Write `class: {_code(policy.needed)}` or a higher one under `change:` "
            "at the top of the policy, with a summary for the reader."
        )
    elif _is_decided(policy):
        yield f"The class on record is `{policy.declared}`: see that this is still what you mean."
    else:
        needed = _code(policy.needed)
        yield f"Raise the class from `{policy.declared}` to `{needed}`, or take the change back."


def _error(error: ErrorRow) -> str:
    hint = f"\n> Mend: {_line(error.hint)}" if error.hint else ""
    return f"> **Could not be compared:** {_line(error.message)}{hint}"


def _finding(finding: FindingRow) -> str:
    mark = " · *a person must decide*" if finding.undecided else ""
    words = finding.message.removeprefix("A person must decide: ") if mark else finding.message
    lines = [f"- **{_line(finding.severity)}**{mark}: {_line(words)}"]
    if finding.before:
        lines.append(f"  <br>before: <del>{_line(finding.before)}</del>")
    if finding.after:
        lines.append(f"  <br>after: <ins>{_line(finding.after)}</ins>")
    if finding.mend:
        lines.append(f"  <br>{_line(finding.mend)}")
    lines.append(f"  <br><sub>{_line(finding.place)} · {_line(finding.rule)}</sub>")
    if finding.paste:
        lines += ["", "  ```yaml", *(f"  {_code(line) if not line[:1].isspace() else _indented(line)}"
                                      for line in finding.paste.split("\n")), "  ```"]  # fmt: skip
    return "\n".join(lines)


def _indented(line: str) -> str:
    bare = line.lstrip()
    return " " * (len(line) - len(bare)) + _code(bare)


_ROWS = 40  # of a table that is one part; a longer one is several


def _tables(clauses: Sequence[ClauseRow]) -> Iterator[str]:
    for start in range(0, len(clauses), _ROWS):
        rows = ["| Clause | What happened | Old lines | New lines |", "| --- | --- | --- | --- |"]
        rows += [
            f"| {_line(row.name)} | {_line(row.change)} | {_line(row.old_lines)} | {_line(row.new_lines)} |"
            for row in clauses[start : start + _ROWS]
        ]
        yield "\n".join(rows)


def _redline(clause: ClauseRow) -> str:
    blocks = [_words(block) for block in clause.redline]
    body = "\n\n".join(block for block in blocks if block)
    title = f"{_line(clause.name)}: {_line(clause.change)}"
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _words(runs: Sequence[Words]) -> str:
    """Runs as one paragraph. Marks are closed at a line's end: a blank line would end the tag's paragraph."""
    lines = "".join(_run(run) for run in runs).split("\n")
    return "<br>\n".join(line.strip() for line in lines if re.sub(r"</?(?:ins|del)>", "", line).strip())


def _run(run: Words) -> str:
    opened, closed = _SIGNS.get(run.op, ("", ""))
    text = run.text if run.op == "=" else mark_space(run.text)
    return "\n".join(f"{opened}{inert(line)}{closed}" if line.strip() else line for line in text.split("\n"))
