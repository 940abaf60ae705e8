# SPDX-License-Identifier: Apache-2.0
"""Files are created whole or not at all; HTML becomes the Markdown of its document."""

from pathlib import Path

import pytest

from policyctl.adapters.html_text import html_to_markdown
from policyctl.adapters.new_files import add_line, create
from policyctl.core.text.parse import parse
from policyctl.errors import PolicyctlError, RefusedError

PAGE = """\
<!doctype html>
<html><head><title>Sample Notes | Privacy</title><style>p {}</style><script>track("x")</script></head>
<body>
<header><a href="/">Home</a> <span>Sign in</span></header>
<nav><ul><li>Products</li></ul></nav>
<div>
 <h1>Sample <em>Notes</em> Policy</h1>
 <p>Effective on 2 May 2026. Read <a href="https://example.com/a_b">our terms</a>, not
    <a href="javascript:steal()">this</a>. <img src="https://example.com/pixel.gif" alt="Seal of trust"></p>
 <h2 id="cookies">Cookies &amp; *more*</h2>
 <p># no heading, 1 &lt; 2, &lt;script&gt; is a word, so is snake_case</p>
 <ol><li>one</li><li>two<ul><li>inner</li></ul></li></ol>
 <h2>Log files</h2>
 <p hidden>secret</p><p style="display: none">secret</p><form>secret <input value="secret"></form>
 <table><tr><th>data</th><th>kept</th></tr><tr><td>name|address</td><td>a year</td></tr></table>
</div>
<footer>© Sample Notes</footer>
</body></html>
"""


def test_a_page_becomes_its_document_with_headings_anchors_and_lists() -> None:
    found = html_to_markdown(PAGE)
    assert found.title == "Sample Notes Policy"
    assert found.markdown == (
        "Effective on 2 May 2026. Read [our terms](https://example.com/a_b), not\n"
        "this. Seal of trust\n"
        "\n"
        "## Cookies & \\*more\\* {#cookies}\n"
        "\n"
        "\\# no heading, 1 < 2, \\<script> is a word, so is snake_case\n"
        "\n"
        "1. one\n"
        "2. two\n"
        "   - inner\n"
        "\n"
        "## Log files {#log-files}\n"
        "\n"
        "| data | kept |\n"
        "| --- | --- |\n"
        "| name\\|address | a year |\n"
    )
    assert [clause.id for clause in parse(found.markdown).clauses if clause.heading] == [
        "cookies",
        "log-files",
    ]


def test_a_main_element_is_the_document() -> None:
    page = "<body><div>Banner</div><main><h1>T</h1><h2>A</h2><p>x</p></main><div>Imprint</div></body>"
    found = html_to_markdown(page)
    assert (found.title, found.markdown) == ("T", "## A {#a}\n\nx\n")


@pytest.mark.parametrize(
    "page", ["", "<p>", "<h1></h1>", "plain words", "<ul><li></ul>", "<main hidden><p>x</p></main>"]
)
def test_any_page_is_read(page: str) -> None:
    assert "<" not in html_to_markdown(page).markdown


def test_a_file_is_created_with_its_folders_and_mode_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.key"
    create(path, "secret\n", mode=0o600)
    assert path.read_text("utf-8") == "secret\n"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(RefusedError):
        create(path, "other\n")
    assert path.read_text("utf-8") == "secret\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x", "utf-8")
    with pytest.raises(PolicyctlError, match="cannot be written"):
        create(tmp_path / "a" / "b", "y")


def test_a_line_is_added_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / ".gitignore"
    add_line(path, "*.pyc")
    path.write_text("*.pyc", "utf-8")
    add_line(path, ".policyctl/")
    assert path.read_text("utf-8") == "*.pyc\n.policyctl/\n"
    assert list(tmp_path.iterdir()) == [path]
