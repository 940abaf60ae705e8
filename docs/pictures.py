# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of the how-to pages from real output: a sample policy is changed step by step, the
comment is what `policyctl ci check` hands on and `policyctl ci comment` posts, a browser takes the picture.

Run it by hand (`python docs/pictures.py`) when the comment's form changes; it needs Chromium on the path.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

from policyctl.reports.checking.review_markdown import render_comment
from policyctl.reports.checking.review_v1 import Review, read_review

ROOT = Path(__file__).resolve().parents[1]
SAMPLE, IMAGES = ROOT / "policyctl" / "sample", ROOT / "docs" / "images"
SLUG, WIDTH = "example-fax", 860
ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Legal",
    "GIT_AUTHOR_EMAIL": "legal@fax.example.com",
    "GIT_COMMITTER_NAME": "Legal",
    "GIT_COMMITTER_EMAIL": "legal@fax.example.com",
    "POLICYCTL_PSEUDONYM_KEY": "ab" * 32,
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A comment</title><style>
body {{ font: 14px/1.5 "Liberation Sans", sans-serif; color: #1f2328; background: #f6f8fa; margin: 16px; }}
article {{ border: 1px solid #d1d9e0; border-radius: 6px; background: #fff; }}
article > header {{ background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; }}
article > div {{ padding: 4px 16px 16px; }}
h2 {{ font-size: 20px; border-bottom: 1px solid #d1d9e0; padding-bottom: 4px; }}
table {{ border-collapse: collapse; }} th, td {{ border: 1px solid #d1d9e0; padding: 4px 10px; }}
code {{ background: #eff1f3; border-radius: 4px; padding: 1px 4px; }}
pre code {{ display: block; padding: 8px; }}
del {{ color: #9a3412; }} ins {{ color: #075985; font-weight: 600; }}
summary {{ cursor: default; }} sub {{ color: #59636e; }}
</style><article><header><b>github-actions</b> <span>bot</span> commented</header><div>{body}</div></article>
"""


def policyctl(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "policyctl", *words]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=False, stdout=subprocess.DEVNULL)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)


def write(folder: Path, version: str, *changes: tuple[str, str]) -> None:
    """The sample's version, effective a long time from now, with words of it changed."""
    target = folder / "policies" / SLUG
    target.mkdir(parents=True, exist_ok=True)
    for name in ("policy.md", "practices.yaml"):
        text = (SAMPLE / version / name).read_text("utf-8")
        text = re.sub(r"^effective: 20(\d\d)", r"effective: 20\g<1>", text, flags=re.MULTILINE)
        text = re.sub(r"^effective: \d{4}", f"effective: {2090 + int(version[1:])}", text, flags=re.MULTILINE)
        for old, new in changes:
            text = text.replace(old, new)
        (target / name).write_text(text, "utf-8")


def review(folder: Path) -> Review:
    report = folder.parent / "review.json"
    policyctl(folder, "ci", "check", "--report", str(report))
    return read_review(report.read_bytes())


def shot(address: str, name: str, *, width: int = WIDTH, height: int) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    flags += [f"--window-size={width},{height}", f"--screenshot={IMAGES / name}"]
    subprocess.run([browser, *flags, address], check=True, stderr=subprocess.DEVNULL)


def picture(review: Review, name: str, *, height: int) -> None:
    markdown = render_comment(review, link="https://example.com/run")
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    first = body.replace("<details>", "<details open>").replace("<details open>", "<details>", 1)
    with tempfile.TemporaryDirectory() as room:
        page = Path(room) / "page.html"
        page.write_text(PAGE.format(body=first), "utf-8")
        shot(page.as_uri(), name, height=height)


def site_picture(room: Path) -> None:
    """The posted page of the demo, on the day its last version is published and not yet in force; and what
    changed in the version before.
    """
    policyctl(room, "demo", str(room / "demo"))
    pages = room / "demo" / ".policyctl" / "site" / SLUG
    shot((pages / "index.html").as_uri(), "site.png", width=1280, height=860)
    shot((pages / "changes" / "v2..v3" / "index.html").as_uri(), "site-step.png", width=860, height=1180)


def main() -> int:
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "policies"
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch", "main")
        shutil.copy(ROOT / "policyctl.toml", folder)
        write(folder, "v2")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "The policy as it stands")
        policyctl(folder, "publish", SLUG, "--yes")
        undecided = ("class: choice", "class: editorial")
        write(folder, "v3", undecided)
        picture(review(folder), "comment-class-too-low.png", height=1490)
        write(folder, "v3")
        picture(review(folder), "comment-decided.png", height=1350)
        site_picture(Path(room))
    return 0


if __name__ == "__main__":
    sys.exit(main())
