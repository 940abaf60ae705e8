# SPDX-License-Identifier: Apache-2.0
"""The fixed parts of a Word document (ECMA-376, Office Open XML, WordprocessingML)."""

from __future__ import annotations

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SIZES = {1: 36, 2: 30, 3: 26, 4: 24, 5: 22, 6: 22}  # half points

CONTENT_TYPES = (
    f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_WORD}.document.main+xml"/>'
    f'<Override PartName="/word/styles.xml" ContentType="{_WORD}.styles+xml"/>'
    f'<Override PartName="/word/numbering.xml" ContentType="{_WORD}.numbering+xml"/>'
    f'<Override PartName="/docProps/core.xml"'
    f' ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
    f"</Types>"
)

RELATIONS = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties"'
    f' Target="docProps/core.xml"/>'
    f"</Relationships>"
)

DOCUMENT_RELATIONS = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/numbering" Target="numbering.xml"/>'
    f"</Relationships>"
)


def properties(title: str, author: str, created: str) -> str:
    """``docProps/core.xml``; ``title`` and ``author`` are XML text already, ``created`` may be ''."""
    when = f'<dcterms:created xsi:type="dcterms:W3CDTF">{created}</dcterms:created>' if created else ""
    return (
        f'{_HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{title}</dc:title><dc:creator>{author}</dc:creator>{when}</cp:coreProperties>"
    )


def document(body: str) -> str:
    """``word/document.xml`` around the paragraphs and tables of ``body``; an A4 page."""
    page = (
        '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134"'
        ' w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>'
    )
    return f'{_HEAD}<w:document xmlns:w="{W}"><w:body>{body}{page}</w:body></w:document>'


def _style(name: str, shown: str, paragraph: str, run: str = "", *, default: str = "") -> str:
    based = "" if default else '<w:basedOn w:val="Normal"/>'
    return (
        f'<w:style w:type="paragraph"{default} w:styleId="{name}">'
        f'<w:name w:val="{shown}"/>{based}<w:qFormat/>'
        f"<w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>"
    )


def _heading(level: int) -> str:
    paragraph = f'<w:keepNext/><w:spacing w:before="240" w:after="80"/><w:outlineLvl w:val="{level - 1}"/>'
    size = _SIZES[level]
    return _style(
        f"Heading{level}",
        f"heading {level}",
        paragraph,
        f'<w:b/><w:sz w:val="{size}"/><w:szCs w:val="{size}"/>',
    )


_INDENT = '<w:ind w:left="567"/>'
_TABS = "".join(f'<w:tab w:val="left" w:pos="{place}"/>' for place in range(2400, 9700, 2400))
_FONTS = (
    '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/><w:sz w:val="22"/><w:szCs w:val="22"/>'
)

_MONOSPACED = '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New" w:cs="Courier New"/>'

STYLES = "".join((
    f'{_HEAD}<w:styles xmlns:w="{W}">',
    f"<w:docDefaults><w:rPrDefault><w:rPr>{_FONTS}</w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>",
    _style("Normal", "Normal", '<w:spacing w:after="120"/>', default=' w:default="1"'),
    *(_heading(level) for level in _SIZES),
    _style("ListBullet", "List Bullet", '<w:numPr><w:numId w:val="1"/></w:numPr><w:spacing w:after="60"/>'),
    _style("ListNumber", "List Number", f'<w:spacing w:after="60"/>{_INDENT}'),
    _style("Quote", "Quote", f'<w:spacing w:after="120"/>{_INDENT}', "<w:i/>"),
    _style("Code", "Code", '<w:spacing w:after="120"/>', _MONOSPACED),
    _style("TableRow", "Table Row", f'<w:tabs>{_TABS}</w:tabs><w:spacing w:after="60"/>'),
    "</w:styles>",
))  # fmt: skip

_LEVELS = "".join(
    f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/>'
    f'<w:lvlJc w:val="left"/><w:pPr><w:ind w:left="{567 + 360 * level}" w:hanging="283"/></w:pPr></w:lvl>'
    for level in range(9)
)

NUMBERING = (
    f'{_HEAD}<w:numbering xmlns:w="{W}">'
    f'<w:abstractNum w:abstractNumId="0"><w:multiLevelType w:val="hybridMultilevel"/>{_LEVELS}'
    f"</w:abstractNum>"
    f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
)
