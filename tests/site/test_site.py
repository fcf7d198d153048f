"""The site that tools/site/build.py makes: complete, without a broken link, and of one piece."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from tools.site.build import VENV, why_not_installed
from workerlab import ROOT

LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))
EXERCISES = sorted((ROOT / "exercises").glob("*.ipynb"))
ANSWER = re.compile(r"<details>\s*<summary>.+?</summary>(.+?)</details>", re.DOTALL)

pytestmark = pytest.mark.slow


def run_build(root: Path, into: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(root / "tools/site/build.py"), "--into", str(into)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder with the site."""
    sentence = why_not_installed()
    if sentence:
        pytest.skip(sentence)
    folder = tmp_path_factory.mktemp("site")
    done = run_build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder / "html"


class Page(HTMLParser):
    """What a page links to and loads, where a link may lead, and what it says."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.titles: dict[str, str] = {}
        self.alternatives: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        of = dict(attributes)
        if of.get("id"):
            self.ids.add(of["id"])
        if tag == "a" and of.get("href"):
            self.links.append(of["href"])
            self.titles[of["href"]] = of.get("title", "")
        for name in ("href", "src"):
            if tag != "a" and of.get(name):
                self.loaded.append(of[name])
        if of.get("alt"):
            self.alternatives.append(of["alt"])

    def handle_data(self, data: str) -> None:
        self.text += data


def broken(site: Path) -> list[str]:
    """The links, pictures, scripts and styles of a site that aren't there, each with its page."""
    pages = {path: Page(path) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for link in page.links + page.loaded:
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            place = (path.parent / target.partition("?")[0]).resolve() if target else path
            is_there = place.is_file() and place.is_relative_to(site)
            if not is_there or (anchor and place in pages and anchor not in pages[place].ids):
                found.append(f"{path.relative_to(site)}: {link}")
    return found


def page_of(notebook: Path, site: Path) -> Page:
    return Page(site / notebook.parent.name / f"{notebook.stem}.html")


def outputs_of(notebook: Path) -> list[dict]:
    cells = nbformat.read(notebook, as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_every_link_leads_somewhere(site):
    assert not broken(site)


def test_a_link_that_leads_nowhere_would_be_noticed(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#no">b</a> <img src="c.png"> <a href="#x">')
    (tmp_path / "b.html").write_text('<h1 id="yes">b</h1> <a href="a.html">a</a>')
    assert broken(tmp_path) == ["a.html: b.html#no", "a.html: #x", "a.html: c.png"]


def test_a_warning_is_an_error(site, tmp_path):
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / ".site").mkdir()
    (tmp_path / ".site/venv").symlink_to(VENV)
    (tmp_path / "README.md").write_text("# Home\n\n[no page](docs/no.md)\n")
    done = run_build(tmp_path, tmp_path / "made")
    assert done.returncode != 0
    assert "docs/no.md" in done.stderr


def test_nothing_comes_from_another_server(site):
    for path in site.rglob("*.html"):
        elsewhere = [name for name in Page(path).loaded if re.match(r"(https?:)?//", name)]
        assert not elsewhere, path.name


def test_a_page_has_everything_its_notebook_has_printed(site):
    for notebook in [*LESSONS, *EXERCISES]:
        text = page_of(notebook, site).text
        printed = "".join(output.get("text", "") for output in outputs_of(notebook))
        assert printed
        for line in printed.splitlines():
            assert line.strip() in text, f"{notebook.stem}: {line}"


def test_a_lesson_has_its_claims_and_its_pictures_with_their_alternatives(site):
    for notebook in LESSONS:
        page = page_of(notebook, site)
        assert "✔ held" in page.text, notebook.stem
        pictures = [
            output.data
            for output in outputs_of(notebook)
            if "<img" in output.get("data", {}).get("text/html", "")
        ]
        assert pictures, notebook.stem
        for data in pictures:
            assert data["text/plain"] in page.alternatives, notebook.stem


def test_answers_are_folded(site):
    for notebook in LESSONS:
        source = (site / "lessons" / f"{notebook.stem}.html").read_text(encoding="utf-8")
        prose = [cell.source for cell in nbformat.read(notebook, as_version=4).cells]
        folded = sum(text.count("<details>") for text in prose)
        answers = re.findall(
            r"<details>\s*<summary>.+?</summary>(.+?)</details>", source, re.DOTALL
        )
        assert len(answers) == folded > 0, notebook.stem
        assert all(re.sub("<[^>]*>", "", answer).strip() for answer in answers), notebook.stem


def test_a_term_is_explained_under_the_pointer(site):
    page = page_of(ROOT / "lessons/02_blocking_the_loop.ipynb", site)
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    said = page.titles["../docs/glossary.html#makespan"]
    assert said and said in glossary


def test_the_search_knows_the_lessons(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    for notebook in [*LESSONS, *EXERCISES]:
        assert f'"{notebook.parent.name}/{notebook.stem}"' in index
    assert (site / "search.html").exists()
