"""The report as one HTML file without anything from elsewhere, and the same as Markdown.

All text is escaped: paths and names come from the reader's app.
"""

import functools
import json
import re
from html import escape
from pathlib import Path

from workerlab import ROOT
from workerlab.report.findings import Bar, Finding
from workerlab.report.report import Report

COLUMNS = ["endpoint", "what it does", "took", "held up", "ping beside", "where"]
WHAT_THE_COLUMNS_MEAN = (
    "Medians of a few requests, each alone in one worker. Held up: for how long at once the event "
    "loop could do nothing else. Ping beside: the slowest of the tiny requests sent meanwhile."
)
STYLE = """
:root { color-scheme: light dark; --text: #24292f; --faint: #57606a; --line: #d9dee3;
  --back: #ffffff; --bar: #44546a; --bad: #b34700; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --faint: #9aa4af; --line: #3a424c;
  --back: #14181d; --bar: #9fb2cc; --bad: #ff8a4c; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 56rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2rem; }
h3 { font-size: 1.05rem; margin-bottom: .3rem; } .verdict { font-weight: 600; font-size: 1.1rem; }
.faint, figcaption { color: var(--faint); font-size: .9rem; }
article { border-top: 1px solid var(--line); padding: .5rem 0; }
.serious h3 { color: var(--bad); } dl { margin: 0; } dt { font-weight: 600; float: left;
  clear: left; margin-right: .4rem; } dd { margin: 0 0 .4rem 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--line); } td { min-width: 4rem; }
figure { margin: .5rem 0; max-width: 40rem; font-size: .85rem; line-height: 1.3; }
.row { display: flex; align-items: center; gap: .5rem; margin-bottom: .3rem; }
.row span { white-space: nowrap; } .bar { height: .75rem; background: var(--bar); }
.bad { background: var(--bad); } code { font-size: .9em; }
"""


@functools.cache
def lesson_title(number: str) -> str:
    """`Lesson 02, TITLE (lessons/02_....ipynb)`, from the notebook itself."""
    for path in (ROOT / "lessons").glob(f"{number}_*.ipynb"):
        first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        title = first.splitlines()[0].lstrip("# ")
        return f"Lesson {title} (lessons/{path.name})"
    return f"Lesson {number}"


def as_html(report: Report) -> str:
    """The page: one file, readable on a phone, dark and light."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Report on {escape(report.app)}</title><style>{STYLE}</style></head><body>",
        f"<h1>How {escape(report.app)} is served</h1>",
        f'<p class="verdict">{escape(report.verdict)}</p>',
        f'<p class="faint">{escape(made(report))}</p>',
        *[f"<p>{escape(remark)}</p>" for remark in report.remarks],
        "<h2>Findings</h2>",
        *[finding_as_html(finding) for finding in report.findings],
    ]
    if report.compared:
        parts += ["<h2>Before and after</h2>", table_as_html(COMPARED, report.compared)]
    parts += [
        "<h2>Endpoints</h2>",
        table_as_html(COLUMNS, report.rows()),
        f'<p class="faint">{escape(WHAT_THE_COLUMNS_MEAN)}</p>',
    ]
    if report.unknown:
        items = [f"<li>{escape(what)}: {escape(why)}</li>" for what, why in report.unknown]
        parts += ["<h2>Not known</h2><ul>", *items, "</ul>"]
    return "\n".join([*parts, "</body></html>", ""])


def finding_as_html(finding: Finding) -> str:
    rows = [("Done", finding.done), ("Seen", finding.seen), ("To do", finding.do)]
    told = "".join(f"<dt>{name}:</dt><dd>{with_code(text)}</dd>" for name, text in rows if text)
    return (
        f'<article class="{finding.weight.replace(" ", "-")}">'
        f"<h3>{escape(finding.title)} <small>({finding.weight})</small></h3><dl>{told}</dl>"
        f"{bars_as_html(finding.bars)}"
        f'<p class="faint">Explained in {escape(lesson_title(finding.lesson))}.</p></article>'
    )


def with_code(text: str) -> str:
    """Escaped text, in which what stands between backquotes is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def bars_as_html(bars: list[Bar]) -> str:
    """Horizontal bars, each with its label above it: long paths fit on a phone too."""
    if not bars:
        return ""
    longest = max(bar.value for bar in bars) or 1.0
    drawn = []
    for bar in bars:
        width = max(1.0, 80 * bar.value / longest)
        kind = "bar bad" if bar.is_bad else "bar"
        drawn.append(
            f"<div>{escape(bar.label)}</div>"
            f'<div class="row"><span class="{kind}" style="width: {width:.0f}%"></span>'
            f"<span>{escape(bar.text)}</span></div>"
        )
    return f"<figure>{''.join(drawn)}</figure>"


def table_as_html(columns: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


COMPARED = ["", "before", "after"]


def as_markdown(report: Report) -> str:
    """The same as text."""
    lines = [
        f"# How {plain(report.app)} is served",
        "",
        f"**{plain(report.verdict)}**",
        "",
        plain(made(report)),
        "",
    ]
    for remark in report.remarks:
        lines += [plain(remark), ""]
    lines += ["## Findings", ""]
    for finding in report.findings:
        lines += [f"### {plain(finding.title)} ({finding.weight})", ""]
        rows = [("Done", finding.done), ("Seen", finding.seen), ("To do", finding.do)]
        for name, text in rows:
            lines += [f"- **{name}:** {plain(text)}"] if text else []
        lines += [f"- Explained in {plain(lesson_title(finding.lesson))}.", ""]
        if finding.bars:
            lines += ["| | |", "|---|---|"]
            lines += [f"| {plain(bar.label)} | {plain(bar.text)} |" for bar in finding.bars]
            lines += [""]
    if report.compared:
        lines += ["## Before and after", "", *table_as_markdown(COMPARED, report.compared), ""]
    lines += ["## Endpoints", "", *table_as_markdown(COLUMNS, report.rows()), ""]
    lines += [WHAT_THE_COLUMNS_MEAN, ""]
    if report.unknown:
        lines += ["## Not known", ""]
        lines += [f"- {plain(what)}: {plain(why)}" for what, why in report.unknown]
    return "\n".join(lines).rstrip() + "\n"


def table_as_markdown(columns: list[str], rows: list[list[str]]) -> list[str]:
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return head + ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows]


def plain(text: str) -> str:
    """Text that Markdown takes for nothing else; what is between backquotes stays code."""
    for sign in "\\<>*_|[]":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def made(report: Report) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return (
        f"Made by ./learn report on {report.made} in {report.seconds:.0f} s, on this machine and "
        f"with {versions}. Everything was served on 127.0.0.1."
    )


def free_name(wanted: Path) -> Path:
    """`wanted`, or with a number where a file of this name, or its Markdown, is there already."""
    number, found = 1, wanted
    while found.exists() or found.with_suffix(".md").exists():
        number += 1
        found = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return found


def write(report: Report, wanted: Path) -> list[Path]:
    """Write the page and its Markdown; return their paths. Never writes over a file."""
    page = free_name(wanted.with_suffix(".html"))
    text = page.with_suffix(".md")
    for path, contents in ((page, as_html(report)), (text, as_markdown(report))):
        with open(path, "x", encoding="utf-8") as file:
            file.write(contents)
    return [page, text]
