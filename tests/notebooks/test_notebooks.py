"""The form of every notebook: what a reader may rely on, and what keeps the history clean."""

import re
from pathlib import Path

import nbformat
import pytest

from workerlab.course.workspace import COPIED, LINKED
from workerlab.server import ROOT

NOTEBOOKS = sorted(
    p for f in ("lessons", "exercises", "solutions") for p in ROOT.glob(f"{f}/*.ipynb")
)
LESSONS = [path for path in NOTEBOOKS if path.parent.name == "lessons"]
# What a path of the author's own machine would begin with.
HOME = re.compile(r"/(?:root|home|Users|tmp|private|work|workspace)/\w+")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(path: Path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_there_are_lessons():
    assert len(LESSONS) >= 5


@every_notebook
def test_is_a_valid_notebook_for_the_kernel_python3(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}


@every_notebook
def test_every_code_cell_was_run_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_no_stored_error_and_no_stderr(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", cell.id


@every_notebook
def test_no_path_of_one_machine(path):
    for cell in read(path).cells:
        texts = [cell.source]
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), *map(str, output.get("data", {}).values())]
        for text in texts:
            assert not HOME.search(text), f"{cell.id}: {HOME.search(text)}"


@every_notebook
def test_cell_ids_are_words_and_not_chance(path):
    ids = [cell.id for cell in read(path).cells]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", i) for i in ids), ids


@every_notebook
def test_the_last_code_cell_stops_the_servers(path):
    last = code_cells(path)[-1].source
    assert "stop_all()" in last or "server.terminate()" in last


@every_notebook
def test_cells_are_short(path):
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= 20, cell.id


@every_notebook
def test_small_enough_for_github(path):
    assert path.stat().st_size < 1_500_000


@every_notebook
def test_links_within_the_repository_lead_somewhere(path):
    for cell in read(path).cells:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", cell.source):
            assert (path.parent / target).exists(), f"{cell.id}: {target}"


@pytest.mark.parametrize("folder", COPIED)
def test_links_lead_somewhere_from_the_readers_copy_too(folder):
    for path in (ROOT / folder).glob("*.ipynb"):
        for cell in read(path).cells:
            for name in re.findall(r"\]\(\.\./([^)/#]+)", cell.source):
                assert name in (*COPIED, *LINKED), f"{path.name}, {cell.id}: {name}"


@every_notebook
def test_a_link_with_the_number_of_a_lesson_has_its_title(path):
    titles = {read(lesson).cells[0].source.splitlines()[0].removeprefix("# ") for lesson in LESSONS}
    for cell in read(path).cells:
        for title, target in re.findall(r"\[(\d\d · [^]]+)\]\(([^)]+)\)", cell.source):
            assert title in titles or target.endswith("#curriculum"), f"{cell.id}: {title}"


def anchors(page: Path) -> set[str]:
    """The places of a Markdown page that a link reaches both on GitHub and in JupyterLab.

    GitHub makes an anchor of a heading in lower case and without punctuation, JupyterLab as it is.
    """
    text = page.read_text()
    headings = [heading.replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)]
    same = {heading for heading in headings if re.fullmatch(r"[a-z0-9_-]+", heading)}
    return same | set(re.findall(r'^<a id="([\w-]+)"></a>$', text, re.M))


@every_notebook
def test_links_into_pages_find_their_place(path):
    for cell in read(path).cells:
        for page, anchor in re.findall(r"\]\(([\w./-]+\.md)#([^)]*)\)", cell.source):
            assert anchor in anchors(path.parent / page), f"{cell.id}: {page}#{anchor}"


@every_lesson
def test_a_lesson_has_its_parts(path):
    prose = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    for part in (
        "**You will be able to**",
        "**You need**",
        "minutes",
        "## Key points",
        "**Next:**",
    ):
        assert part in prose, part
    source = "\n".join(cell.source for cell in code_cells(path))
    for part in ("my_guess = None", "reveal(my_guess", "claim("):
        assert part in source, part


@every_lesson
def test_the_number_in_the_title_is_that_of_the_file(path):
    title = read(path).cells[0].source.splitlines()[0]
    assert title.startswith(f"# {path.stem[:2]} · ")
