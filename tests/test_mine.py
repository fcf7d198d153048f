"""The reader's copy: complete, without answers, and never written over."""

import json
import os
from pathlib import Path

import nbformat
import pytest

from workerlab import mine


def notebook(*counts: int | None, source: str = "print('ü')") -> str:
    """A notebook of one Markdown cell and one code cell for each execution count."""
    cells = [{"cell_type": "markdown", "id": "first", "metadata": {}, "source": ["# Title"]}]
    for number, count in enumerate(counts):
        ran = {"name": "stdout", "output_type": "stream", "text": ["ü\n"]}
        cell = {"cell_type": "code", "execution_count": count, "id": f"cell-{number}"}
        cell |= {"metadata": {"tags": ["x"]}, "outputs": [ran] if count else [], "source": [source]}
        cells.append(cell)
    content = {"cells": cells, "metadata": {"language_info": {"name": "python"}}}
    content |= {"nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "lessons/00_start.ipynb": notebook(1, 2),
        "lessons/01_one.ipynb": notebook(1, 2),
        "lessons/pictures/tree.svg": "<svg/>",
        "lessons/.ipynb_checkpoints/00_start-checkpoint.ipynb": notebook(),
        "exercises/01_one.ipynb": notebook(None),
        "solutions/01_one.ipynb": notebook(1),
        "docs/glossary.md": "# Glossary",
        "README.md": "# Read me",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def finish(notebook_file: Path) -> None:
    content = json.loads(notebook_file.read_text())
    for number, cell in enumerate(content["cells"][1:], start=1):
        cell["execution_count"] = number
    notebook_file.write_text(json.dumps(content))


def names(folder: Path) -> set[str]:
    """All files below a folder; what is only linked is not among them."""
    paths = [Path(top, file) for top, _, files in os.walk(folder) for file in files]
    return {str(path.relative_to(folder)) for path in paths if not path.is_symlink()}


def test_lessons_exercises_and_their_pictures_are_copied(root):
    expected = {"lessons/00_start.ipynb", "lessons/01_one.ipynb", "lessons/pictures/tree.svg"}
    expected |= {"exercises/01_one.ipynb"}
    assert {str(path.relative_to(root / "mine")) for path in mine.extend(root)} == expected
    assert names(root / "mine") == expected
    assert mine.extend(root) == []


def test_a_copy_has_no_answers_and_is_otherwise_the_same(root):
    mine.extend(root)
    copy = (root / "mine/lessons/00_start.ipynb").read_text(encoding="utf-8")
    assert copy == notebook(None, None)
    nbformat.validate(nbformat.reads(copy, as_version=4))


def test_what_the_reader_has_is_never_overwritten(root):
    mine.extend(root)
    lesson = root / "mine/lessons/00_start.ipynb"
    lesson.write_text("my own words")
    (root / "mine/lessons/01_one.ipynb").unlink()
    (root / "lessons/02_new.ipynb").write_text(notebook(1))
    new = {path.name for path in mine.extend(root)}
    assert new == {"01_one.ipynb", "02_new.ipynb"}
    assert lesson.read_text() == "my own words"


def test_the_relative_links_of_a_lesson_lead_somewhere_from_the_copy_too(root):
    mine.extend(root)
    assert (root / "mine/lessons/../docs/glossary.md").read_text() == "# Glossary"
    assert (root / "mine/lessons/../README.md").read_text() == "# Read me"
    (root / "mine/README.md").unlink()
    (root / "mine/README.md").write_text("my notes")
    mine.extend(root)
    assert (root / "mine/README.md").read_text() == "my notes"


def test_a_copy_that_is_cut_off_leaves_nothing(root, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(SystemExit, match="No space left on device"):
        mine.extend(root)
    assert names(root / "mine") == set()


@pytest.mark.parametrize("name", ["mine", "mine/lessons"])
def test_a_file_in_the_way_is_a_sentence(root, name):
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("shopping list")
    with pytest.raises(SystemExit, match=f"{name} is to hold your copy"):
        mine.extend(root)
    assert (root / name).read_text() == "shopping list"


def test_an_original_that_is_no_notebook_is_named_and_left_out(root, capsys):
    (root / "lessons/01_one.ipynb").write_text("<<<<<<< HEAD")
    mine.extend(root)
    assert not (root / "mine/lessons/01_one.ipynb").exists()
    assert "01_one.ipynb is not a notebook" in capsys.readouterr().err


def test_the_next_notebook_is_the_first_unfinished_lesson(root):
    mine.extend(root)
    assert mine.next_notebook(root) == root / "mine/lessons/00_start.ipynb"
    finish(root / "mine/lessons/00_start.ipynb")
    assert mine.next_notebook(root) == root / "mine/lessons/01_one.ipynb"
    finish(root / "mine/lessons/01_one.ipynb")
    assert mine.next_notebook(root) == root / "mine/exercises/01_one.ipynb"
    (root / "mine/exercises/01_one.ipynb").unlink()
    assert mine.next_notebook(root) == root / "mine/lessons/00_start.ipynb"


def test_no_lessons_no_next_notebook(tmp_path):
    assert mine.extend(tmp_path) == []
    assert mine.next_notebook(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        pytest.param(notebook(1, 2), True, id="all-run"),
        pytest.param(notebook(1, None), False, id="last-not-run"),
        pytest.param(notebook(None, 1), True, id="only-the-last-run"),
        pytest.param(notebook(None), False, id="none-run"),
        pytest.param(notebook(), False, id="no-code"),
    ],
)
def test_finished_is_when_the_last_code_cell_was_run(tmp_path, text, finished):
    file = tmp_path / "lesson.ipynb"
    file.write_text(text)
    assert mine.is_finished(file) is finished


def test_the_empty_cell_that_jupyterlab_adds_does_not_count(tmp_path):
    content = json.loads(notebook(1, 2))
    content["cells"].append({**content["cells"][-1], "execution_count": None, "source": []})
    file = tmp_path / "lesson.ipynb"
    file.write_text(json.dumps(content))
    assert mine.is_finished(file)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": [1]}', '{"cells": null}'])
def test_a_broken_notebook_is_unfinished_and_said_so(root, text, capsys):
    mine.extend(root)
    broken = root / "mine/lessons/00_start.ipynb"
    broken.write_text(text)
    mine.extend(root)
    assert mine.next_notebook(root) == broken
    assert broken.read_text() == text
    assert "mine/lessons/00_start.ipynb is not a notebook" in capsys.readouterr().err


def test_bytes_that_are_no_text_are_no_notebook(root):
    mine.extend(root)
    (root / "mine/lessons/00_start.ipynb").write_bytes(b"\xff\xfe\x00")
    assert not mine.is_finished(root / "mine/lessons/00_start.ipynb")
