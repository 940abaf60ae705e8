# SPDX-License-Identifier: Apache-2.0
"""Accepts or rejects the tracked changes of a Word document as ECMA-376 part 1, 17.13.5 says, knowing
nothing of how ours are written.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from xml.etree import ElementTree as ET

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
COMING = {f"{W}ins", f"{W}moveTo"}
GOING = {f"{W}del", f"{W}moveFrom"}


def body_of(docx: bytes) -> ET.Element:
    with zipfile.ZipFile(BytesIO(docx)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ET.fromstring(archive.read(name))  # noqa: S314 - we wrote it ourselves
        root = ET.fromstring(archive.read("word/document.xml"))  # noqa: S314 - the same
    body = root.find(f"{W}body")
    assert body is not None
    return body


def settled(docx: bytes, *, accept: bool, until: str) -> list[str]:
    """The paragraphs up to the one that reads ``until``, after all changes are accepted or rejected."""
    lines, pending = [], ""
    for paragraph in body_of(docx).iter(f"{W}p"):
        pending += "".join(_words(paragraph, GOING if accept else COMING))
        if pending == until:
            return lines
        mark = paragraph.find(f"{W}pPr/{W}rPr")
        if mark is None or not any(child.tag in (GOING if accept else COMING) for child in mark):
            lines.append(pending)
            pending = ""
    raise AssertionError(f"no paragraph reads {until!r}")


def _words(element: ET.Element, dropped: set[str]) -> Iterator[str]:
    for child in element:
        if child.tag in dropped or child.tag == f"{W}pPr":
            continue
        if child.tag in {f"{W}t", f"{W}delText"}:
            yield child.text or ""
        elif child.tag == f"{W}tab":
            yield "\t"
        else:
            yield from _words(child, dropped)


def changes(docx: bytes) -> list[ET.Element]:
    """Every element that is a tracked change, paragraph marks and ends of moves among them."""
    return [e for e in body_of(docx).iter() if f"{W}author" in e.attrib]
