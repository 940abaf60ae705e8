# SPDX-License-Identifier: Apache-2.0
"""The posted site of a policy with many versions: built at once, and one publication more.

    python bench/site_speed.py [VERSIONS]       how many there are (default 100)

site        every page of VERSIONS versions of 26 KB, with the redline of every step, into an empty folder; no
            PDFs. Seconds, and beside it the seconds of computing, as other programs may keep it waiting
floor       the same pages, written and flushed by plain means: what part of it is the disk's
again       the same site once more: nothing is written
publish     one version more, from the check to the posted pages, without the seconds that `publish --plan`
            takes, which is the check
largest     the largest page, in KB
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from figures import figure

from policyctl import wiring
from policyctl.actions.init import init
from policyctl.actions.site.build import SiteOptions, build_site
from policyctl.actions.sync import shelf_of, sync
from policyctl.actions.versions.publish import plan_publication, publish
from policyctl.core.formats.version_note import VersionNote, write_note
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.reports.site.look import Look
from policyctl.settings import load_settings

SLUG, SIZE, FIRST = "fax", 26_000, datetime(2015, 1, 1, 9, tzinfo=UTC)
SAMPLE = Path(__file__).resolve().parents[1] / "policies" / "example-fax"
LOOK = Look(name="Example Fax", base_url="https://fax.example.com/privacy")


def texts(count: int) -> list[str]:
    """Each is the one before it with a few words changed, now and then a clause more or less."""
    seed = random.Random(7)  # noqa: S311 - a bench, not a secret
    body = (SAMPLE / "policy.md").read_text("utf-8").split("\n---\n", 1)[1]
    sections = body.split("\n## ")
    while sum(map(len, sections)) < SIZE:
        more = sections[1 + len(sections) % 9].split("\n", 1)[1]
        sections.append(f"More {len(sections)}\n\n{re.sub(r'(?m)^#.*$', '', more)}")
    found = []
    for number in range(count):
        for _ in range(4):
            at = seed.randrange(1, len(sections))
            words = sections[at].split(" ")
            plain = [place for place, word in enumerate(words) if word.isalpha()]
            words[seed.choice(plain)] = seed.choice(["again", "there", "quite", "here", "indeed"])
            sections[at] = " ".join(words)
        if number % 10 == 9:
            sections.append(sections.pop(seed.randrange(1, len(sections))))
        found.append("\n## ".join(sections))
    return found


def file_of(body: str, number: int) -> str:
    effective = (FIRST + timedelta(days=30 * number)).date()
    change = (
        "change:\n  class: notice\n  decided_by: legal@example.com\n  summary: A few words are clearer.\n"
    )
    front = f"title: Example Fax Privacy Policy\neffective: {effective}\n{change if number else ''}"
    return f"---\n{front}---\n{body}"


def make_repository(root: Path, bodies: list[str]) -> None:
    """All but the last version published, as ``publish`` marks them, in one go."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    for name, value in (("user.name", "Legal"), ("user.email", "legal@example.com")):
        subprocess.run(["git", "-C", str(root), "config", name, value], check=True)
    init(root)
    settings = (root / "policyctl.toml").read_bytes()
    declared = (SAMPLE / "practices.yaml").read_bytes()
    stream: list[bytes] = []
    for number, body in enumerate(bodies[:-1]):
        at = FIRST + timedelta(days=30 * number)
        stream += commit_of(number, file_of(body, number).encode(), declared, settings, at)
    done = subprocess.run(
        ["git", "-C", str(root), "fast-import", "--quiet"], input=b"".join(stream), check=True
    )
    assert done.returncode == 0
    subprocess.run(["git", "-C", str(root), "reset", "-q", "--hard", "main"], check=True)


def blob(data: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(data), data)


def commit_of(number: int, text: bytes, declared: bytes, settings: bytes, at: datetime) -> list[bytes]:
    who = b"Legal <legal@example.com> %d +0000\n" % int(at.timestamp())
    note = VersionNote(
        key=VersionKey(SLUG, number + 1),
        title="Example Fax Privacy Policy",
        change_class=ChangeClass.NOTICE if number else None,
        effective=at.date(),
        decided_by="legal@example.com" if number else "",
        text_sha256=sha256(text).hexdigest(),
        practices_sha256=sha256(declared).hexdigest(),
        summary="A few words are clearer." if number else "",
    )
    folder = f"policies/{SLUG}".encode()
    return [
        b"commit refs/heads/main\nmark :%d\ncommitter %b" % (number + 1, who),
        blob(b"A version"),
        b"M 100644 inline policyctl.toml\n" + blob(settings),
        b"M 100644 inline .gitignore\n" + blob(b".policyctl/\n"),
        b"M 100644 inline %b/policy.md\n" % folder + blob(text),
        b"M 100644 inline %b/practices.yaml\n" % folder + blob(declared),
        b"tag policy/%b/v%d\nfrom :%d\ntagger %b" % (SLUG.encode(), number + 1, number + 1, who),
        blob(write_note(note).encode()),
    ]


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall time and computing time of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def plainly(pages: dict[str, bytes], folder: Path) -> None:
    for path, data in pages.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def measured(root: Path, count: int, bodies: list[str]) -> bool:
    settings = load_settings(root)
    history, standards = wiring.open_history(settings), wiring.standards(settings)
    site, today = root.parent / "public", date(2035, 1, 1)

    def build() -> object:
        return build_site(
            history.published(),
            load=shelf_of(history, standards).version,
            site=site,
            today=today,
            taxonomy=standards.catalogue.taxonomy,
            options=SiteOptions(LOOK),
        )

    wall, cpu = seconds(build)
    pages = {
        path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }
    note = f"{len(pages)} files, {sum(map(len, pages.values())) / 1e6:.1f} MB; {cpu:.1f} s of computing"
    fine = figure(f"site of {count} versions", wall, 10, "s", note)
    floor, _ = seconds(lambda: plainly(pages, root.parent / "plain"))
    fine &= figure("  over the disk's part", wall - floor, 10, "s", f"floor {floor:.1f} s")
    wall, cpu = seconds(build)
    fine &= figure("site again", wall, 1, "s", f"{cpu:.2f} s of computing")
    largest = max((len(data), path) for path, data in pages.items() if path.endswith(".html"))
    fine &= figure("largest page", largest[0] / 1000, 100, "KB", largest[1])
    return published(root, bodies[-1], count) and fine


def published(root: Path, body: str, count: int) -> bool:
    settings = load_settings(root)
    standards, site = wiring.standards(settings), wiring.site_folder(settings)
    with wiring.open_ledger(settings) as ledger:
        ledger.upgrade()
        common = {"history": wiring.open_history(settings), "ledger": ledger, "standards": standards}
        posted = {"site": site, "base_url": LOOK.base_url, "options": SiteOptions(LOOK)}
        at = FIRST + timedelta(days=30 * count - 40)
        sync(**common, **posted, now=at)
        (root / f"policies/{SLUG}/policy.md").write_text(file_of(body, count + 1), "utf-8")
        subprocess.run(["git", "-C", str(root), "commit", "-qam", "One more"], check=True)
        check = min(seconds(lambda: plan_publication(SLUG, now=at, **common)) for _ in range(3))
        whole = seconds(lambda: publish(SLUG, now=at, **common, **posted))
    note = f"publish {whole[0]:.2f} s, check {check[0]:.2f} s; {whole[1] - check[1]:.2f} s of computing"
    return figure("publish over its check", whole[0] - check[0], 1, "s", note)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    bodies = texts(count + 1)
    os.environ.setdefault("POLICYCTL_PSEUDONYM_KEY", "00" * 32)
    with tempfile.TemporaryDirectory() as place, suppress(BrokenPipeError):
        root = Path(place) / "policies"
        make_repository(root, bodies)
        return 0 if measured(root, count, bodies) else 1
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
