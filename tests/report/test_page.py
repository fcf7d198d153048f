"""The page: everything escaped, the heaviest first, and never over another file."""

from pathlib import Path

import pytest

from workerlab.report import page
from workerlab.report.findings import Bar, Finding
from workerlab.report.report import Report

BAD = '<script>alert("x")</script> | *a* `b`'


def finding(weight, title, lesson="02"):
    return Finding("key", weight, title, BAD, BAD, BAD, lesson, [Bar(BAD, 1.0, "1 s")])


@pytest.fixture
def report() -> Report:
    found = [finding("fine", "Third"), finding("serious", BAD), finding("worth knowing", "Second")]
    return Report("m:app", Path("/x"), {"Python": "3.11.7"}, [], found, unknown=[("a", BAD)])


def test_what_comes_from_the_app_is_text(report):
    html, text = page.as_html(report), page.as_markdown(report)
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "<script" not in text.replace("\\<", "")
    assert "\\|" in text


def test_the_verdict_is_first_and_the_heaviest_finding_next(report):
    text = page.as_markdown(report)
    assert text.splitlines()[2].startswith("**One serious finding: ")
    order = [text.index(word) for word in ("(serious)", "(worth knowing)", "(fine)")]
    assert order == sorted(order)
    assert "Lesson 02 · Keep the event loop free" in text


def test_nothing_serious(report):
    report.findings = [finding("fine", "Third")]
    assert not report.is_serious
    assert report.verdict.startswith("Nothing serious was found")


def test_no_file_is_overwritten(report, tmp_path):
    (tmp_path / "page.html").write_text("mine")
    (tmp_path / "page-2.md").write_text("mine")
    made = page.write(report, tmp_path / "page.html")
    assert [path.name for path in made] == ["page-3.html", "page-3.md"]
    assert (tmp_path / "page.html").read_text() == (tmp_path / "page-2.md").read_text() == "mine"


def test_the_page_loads_nothing(report):
    assert "://" not in page.as_html(report)
    assert "src=" not in page.as_html(report)
