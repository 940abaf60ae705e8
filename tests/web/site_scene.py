# SPDX-License-Identifier: Apache-2.0
"""The sample policy and a hostile one, posted and served by the service, in this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import uvicorn

from policyctl.adapters.catalogue import load_catalogue
from policyctl.adapters.key_file import KeyFile
from policyctl.adapters.site.folder import PostedFolder, building_alone, write_site
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.formats.practices_file import read_practices
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Practice, Recipient
from policyctl.reports.comparing.comparison import side_of
from policyctl.reports.site.look import Look, Painter
from policyctl.reports.site.pages import PostedPolicy, overview_files
from policyctl.reports.site.posted import InLanguage, Posted, Settled, settle
from policyctl.reports.site.version_pages import Printing, version_files
from policyctl.web.app import make_app
from policyctl.web.site import SitePages
from tests.actions.notify_scene import open_scene
from tests.reports import samples
from tests.reports.test_site_pages import EVIL

TAXONOMY = load_catalogue().taxonomy
SAMPLE, HOSTILE, GERMAN = "example-fax", "example-notes", "beispiel-fax"
LOOK = Look(name="Example Fax", base_url="https://fax.example.com/privacy", served=True)


def sample_versions() -> list[Posted]:
    """The four versions of the sample policy; the last one in German, too, and with a PDF."""
    made = []
    for number in (1, 2, 3, 4):
        folder = files("policyctl") / "sample" / f"v{number}"
        text = (folder / "policy.md").read_text("utf-8")
        read = read_policy(text, file="policy.md")
        assert read.effective
        declared = (folder / "practices.yaml").read_text("utf-8")
        body = text[read.document.body :]
        german = InLanguage("de", "Datenschutzerklärung von Example Fax", body)
        early = datetime.fromisoformat(f"{read.effective - timedelta(days=31)}T09:00:00Z")
        made.append(
            Posted(
                key=VersionKey(SAMPLE, number),
                title=read.title,
                change_class=read.change.change_class if read.change else None,
                published_at=early,
                effective=read.effective,
                summary=read.change.summary if read.change else "",
                impact=read.change.impact if read.change else "",
                text_sha256=side_of("", None, text.encode()).sha256,
                practices=read_practices(declared, file="practices.yaml", taxonomy=TAXONOMY),
                translations=(german,) if number == 4 else (),
                pdf="",
                language="en",
                markdown=body,
            )
        )
    return made


RUNS = (
    "<script>document.title = 'RAN'</script> <img src=x onerror=\"document.title = 'RAN'\"> "
    "<svg onload=\"document.title = 'RAN'\"></svg> <div hidden>hidden words</div> "
    "<span style='display:none'>more hidden words</span> <iframe src='https://evil.example.org/'></iframe> "
    "<meta http-equiv=refresh content='0;url=https://evil.example.org/'> "
    "<base href='https://evil.example.org/'>\n\n"
    "[press](javascript:document.title='RAN') <javascript:alert(1)>\n\n"
    "![pixel](https://evil.example.org/p.png)\n\n"
    "<style>body { background: url(https://evil.example.org/b.png) }</style>\n"
)


def hostile_versions() -> list[Posted]:
    """Everything in them is somebody's attempt."""
    bad = Practice("p", EVIL, (EVIL,), EVIL, (Recipient("partner", EVIL),), EVIL)
    return [
        samples.version(
            number,
            f"# {EVIL} {{#x'y\"z}}\n\n{RUNS}\n" + f"## Again\n\n{EVIL}{samples.HOSTILE}" * (number - 1),
            EVIL,
            title=EVIL,
            impact=EVIL,
            practices=(bad,) * (number > 1),
            translations=(InLanguage("de", EVIL, RUNS),),
        )
        for number in (1, 2, 3)
    ]


def german_versions() -> list[Posted]:
    """Two versions of a policy that is written in German."""
    texts = (
        "# Daten {#daten}\n\nWir erheben Ihren Namen.\n\n# Cookies {#cookies}\n\nEin Cookie.\n",
        "# Cookies {#cookies}\n\nEin Cookie.\n\n# Daten {#daten}\n\nWir erheben Namen und Nummer.\n",
    )
    use = Practice("konto", "daten", ("user.name",), "essential", retention="P1Y")
    return [
        samples.version(
            number,
            text,
            "Wir erheben auch Ihre Nummer.",
            key=VersionKey(GERMAN, number),
            title="Datenschutzerklärung des Beispielfaxes",
            language="de",
            practices=(use,) if number == 1 else (replace(use, retention="P2Y"),),
        )
        for number, text in enumerate(texts, 1)
    ]


def write_sites(
    folder: Path, today: date, *, look: Look = LOOK, policies: tuple[list[Posted], ...] | None = None
) -> Printing:
    """Build the site as it is on that day."""
    printing = Printing(Painter(look), TAXONOMY)
    pages: dict[str, bytes] = {}
    posted = []
    for versions in policies or (sample_versions(), hostile_versions(), german_versions()):
        last: Settled | None = None
        named = []
        for version in versions:
            settled = settle(version, last)
            pages |= dict(version_files(settled, last.posted if last else None, printing))
            named.append(settled.posted)
            last = settled
        posted.append(PostedPolicy(versions[0].key.slug, tuple(named), {4: "Legal <legal@fax.example.com>"}))
    pages |= dict(overview_files(posted, printing, today))
    with building_alone(folder):
        write_site(folder, pages)
    return printing


def site_pages(folder: Path, printing: Printing, now: datetime) -> SitePages:
    return SitePages(PostedFolder(folder), printing.painter.look.prefix, lambda: printing, lambda: now)


@contextmanager
def served_site(root: Path, site: SitePages) -> Iterator[str]:
    """The address of the service that serves it, below the site's own path."""
    with open_scene(root) as ledger:
        app = make_app(ledger, KeyFile(root / "keys.json"), site=site)
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{site.prefix}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            listener.close()
