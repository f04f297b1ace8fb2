"""A page of HTML that needs nothing beside itself."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

_QUALITY = 85
_LONG = 24  # signs of a cell that may be broken anywhere, on a phone

# Colours of curves are those of `ganfield.plot`; a phone shows one column of figures.
_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b636d;--line:#d9dde2;--paper:#fff;
--card:#f6f7f9;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a4abb5;--line:#3a4049;--paper:#14171c;
--card:#1d2128;--c0:#56b4e9;--c1:#e69f00;--c2:#009e73;--c3:#cc79a7}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:1rem;color:var(--ink);background:var(--paper);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.25rem 0}
h2{font-size:1.1rem;margin:2rem 0 .75rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
p{margin:.25rem 0 .75rem}
.soft,header p{color:var(--soft)}
.cards{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,150px),1fr));margin:0}
.cards div{background:var(--card);border-radius:6px;padding:.5rem .7rem}
.cards dt{color:var(--soft);font-size:.8rem}
.cards dd{margin:0;font-weight:600}
.figures{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr))}
.pictures{grid-template-columns:repeat(auto-fill,minmax(min(45%,240px),1fr))}
figure{margin:0;min-width:0}
figcaption{font-weight:600;font-size:.9rem}
figcaption ul{display:flex;flex-wrap:wrap;gap:0 .9rem;margin:0;padding:0;list-style:none;
font-weight:400;color:var(--soft);font-size:.85rem;font-variant-numeric:tabular-nums}
figcaption li::before{content:"";display:inline-block;width:.9em;height:.2em;margin:0 .35em .25em 0;
background:var(--c)}
.s0{--c:var(--c0)}.s1{--c:var(--c1)}.s2{--c:var(--c2)}.s3{--c:var(--c3)}
img{display:block;width:100%;height:auto;border:1px solid var(--line)}
img.chart{border:0}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0;
border-bottom:1px solid var(--line);overflow-wrap:break-word}
td.long{overflow-wrap:anywhere;min-width:11rem}
th{color:var(--soft);font-weight:500}
td:first-child{white-space:nowrap}
summary{cursor:pointer;margin:.5rem 0}
.notes{background:var(--card);border-left:3px solid var(--c1);margin:1rem 0;
padding:.6rem 1rem .6rem 2rem}
"""
# A browser that opens the page asks for nothing: not for an icon either.
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
"""


class Section(NamedTuple):
    """A part of a page: its heading, and its content as HTML."""

    heading: str
    content: str


def page(title: str, said: str, sections: Iterable[Section]) -> str:
    """Return a whole page.

    Args:
        title: its heading, plain text.
        said: HTML below it.
        sections: those without content are left out.
    """
    parts = "".join(
        f"<section><h2>{escape(each.heading)}</h2>\n{each.content}</section>\n"
        for each in sections
        if each.content
    )
    head = f"{_HEAD}<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    return f"{head}<header><h1>{escape(title)}</h1>\n{said}</header>\n{parts}</body>\n</html>\n"


def escape(value: object) -> str:
    """Return a value as text that HTML takes for nothing else."""
    return html.escape(str(value))


def table(rows: Iterable[Sequence[object]], head: Sequence[str] = ()) -> str:
    """Return a table of plain texts, which scrolls by itself where it is too wide."""
    lines = [f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>"] if head else []
    lines += [f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _cell(value: object) -> str:
    said = "–" if value is None else escape(value)
    kind = ' class="long"' if len(said) > _LONG else ""
    return f"<td{kind}>{said}</td>"


def cards(facts: Iterable[tuple[str, object]]) -> str:
    """Return names and values beside each other."""
    each = "".join(f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in facts)
    return f'<dl class="cards">{each}</dl>'


def figures(drawn: Iterable[str], kind: str = "") -> str:
    """Return figures beside each other, as many as there is room for; nothing of none."""
    whole = "".join(drawn)
    return f'<div class="{f"figures {kind}".strip()}">{whole}</div>' if whole else ""


def folded(summary: str, content: str) -> str:
    """Return what shows when somebody asks for it."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def picture(path: Path, caption: str, *, most: int) -> str:
    """Return an image file as part of a page.

    Args:
        path: of an image that Pillow reads.
        caption: what it shows, plain text.
        most: bytes; what is larger becomes a JPEG, and smaller until it fits.

    Raises:
        OSError: it cannot be read, or is no image.
        ValueError: the same, of some formats.
    """
    content, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(content)) as opened:
        opened.load()
        image = opened.convert("RGB") if len(content) > most else opened
        while len(content) > most:
            target = io.BytesIO()
            image.save(target, "JPEG", quality=_QUALITY)
            content, kind = target.getvalue(), "jpeg"
            image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))
        width, height = opened.size
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    shown = f'<img src="{source}" width="{width}" height="{height}" alt="{escape(caption)}">'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{shown}</figure>"
