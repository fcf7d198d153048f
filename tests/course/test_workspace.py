"""The reader's copy: complete, without answers, and never written over."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from workerlab.course import files, progress, update, workspace


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
        "exercises/01_one.ipynb": notebook(None, source="check.task_1(x)"),
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
    found = {str(path.relative_to(folder)) for path in paths if not path.is_symlink()}
    return found - {".originals.json"}


def edit(notebook_file: Path, source: str = "my answer") -> None:
    content = json.loads(notebook_file.read_text())
    content["cells"][1]["source"] = [source]
    notebook_file.write_text(json.dumps(content))


def dated(folder: Path) -> list[Path]:
    """What was set aside in a folder of mine/."""
    return sorted(path for path in folder.glob("*.ipynb") if "." in path.stem)


def test_lessons_exercises_and_their_pictures_are_copied(root):
    expected = {"lessons/00_start.ipynb", "lessons/01_one.ipynb", "lessons/pictures/tree.svg"}
    expected |= {"exercises/01_one.ipynb"}
    assert {str(path.relative_to(root / "mine")) for path in workspace.extend(root)} == expected
    assert names(root / "mine") == expected
    assert workspace.extend(root) == []


def test_a_copy_has_no_answers_and_is_otherwise_the_same(root):
    workspace.extend(root)
    copy = (root / "mine/lessons/00_start.ipynb").read_text(encoding="utf-8")
    assert copy == notebook(None, None)
    nbformat.validate(nbformat.reads(copy, as_version=4))


def test_what_the_reader_has_is_never_overwritten(root):
    workspace.extend(root)
    lesson = root / "mine/lessons/00_start.ipynb"
    lesson.write_text("my own words")
    (root / "mine/lessons/01_one.ipynb").unlink()
    (root / "lessons/02_new.ipynb").write_text(notebook(1))
    new = {path.name for path in workspace.extend(root)}
    assert new == {"01_one.ipynb", "02_new.ipynb"}
    assert lesson.read_text() == "my own words"


def test_the_relative_links_of_a_lesson_lead_somewhere_from_the_copy_too(root):
    workspace.extend(root)
    assert (root / "mine/lessons/../docs/glossary.md").read_text() == "# Glossary"
    assert (root / "mine/lessons/../README.md").read_text() == "# Read me"
    (root / "mine/README.md").unlink()
    (root / "mine/README.md").write_text("my notes")
    workspace.extend(root)
    assert (root / "mine/README.md").read_text() == "my notes"


def test_a_copy_that_is_cut_off_leaves_nothing(root, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(SystemExit, match="No space left on device"):
        workspace.extend(root)
    assert names(root / "mine") == set()


@pytest.mark.parametrize("name", ["mine", "mine/lessons"])
def test_a_file_in_the_way_is_a_sentence(root, name):
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("shopping list")
    with pytest.raises(SystemExit, match=f"{name} has to be a folder for your copies"):
        workspace.extend(root)
    assert (root / name).read_text() == "shopping list"


@pytest.mark.parametrize("name", ["mine", "mine/lessons"])
def test_a_copy_that_cannot_be_written_is_a_sentence(root, monkeypatch, name):
    workspace.extend(root)
    # Root may write everywhere, so the system is asked in vain.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != root / name)
    with pytest.raises(SystemExit) as end:
        workspace.extend(root)
    assert f"{root / name} cannot be written" in end.value.code
    assert "\n" not in end.value.code


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("lessons/app.py", "app"),
        ("exercises/workerlab.py", "workerlab"),
        ("lessons/random.py", "random"),
        ("exercises/uvicorn/__init__.py", "uvicorn"),
    ],
)
def test_a_file_that_hides_a_module_is_named(root, capsys, name, module):
    (root / "mine" / name).parent.mkdir(parents=True)
    (root / "mine" / name).touch()
    workspace.tell_what_hides_modules(root)
    said = capsys.readouterr().err
    assert said.startswith(f"learn: mine/{name.removesuffix('/__init__.py')} hides the module ")
    assert f" {module} " in said and said.count("\n") == 1


@pytest.mark.parametrize("name", ["my_app.py", "test.py", "a-name.py", "__main__.py", "app.txt"])
def test_other_files_of_the_reader_are_not_spoken_of(root, capsys, name):
    workspace.extend(root)
    (root / "mine/lessons" / name).touch()
    workspace.tell_what_hides_modules(root)
    assert capsys.readouterr().err == ""


def test_an_original_that_is_no_notebook_is_named_and_left_out(root, capsys):
    (root / "lessons/01_one.ipynb").write_text("<<<<<<< HEAD")
    workspace.extend(root)
    assert not (root / "mine/lessons/01_one.ipynb").exists()
    assert "01_one.ipynb is not a notebook" in capsys.readouterr().err


def test_the_next_notebook_is_the_first_unfinished_one_each_lesson_before_its_exercise(root):
    (root / "lessons/02_two.ipynb").write_text(notebook(1))
    workspace.extend(root)
    start, one, two = (root / f"mine/lessons/{n}.ipynb" for n in ("00_start", "01_one", "02_two"))
    exercise = root / "mine/exercises/01_one.ipynb"
    assert workspace.next_notebook(root) == start
    finish(start)
    assert workspace.next_notebook(root) == one
    finish(one)
    assert workspace.next_notebook(root) == exercise
    finish(exercise)  # to have run its cells is not enough
    assert workspace.next_notebook(root) == exercise
    progress.record("01", 1, root)
    assert workspace.next_notebook(root) == two
    finish(two)
    assert workspace.next_notebook(root) == start  # all is done; from the top


def test_a_broken_copy_of_a_finished_exercise_does_not_undo_it(root):
    workspace.extend(root)
    exercise = root / "mine/exercises/01_one.ipynb"
    exercise.write_text("{")
    assert not workspace.is_finished(exercise, root)
    progress.record("01", 1, root)
    assert workspace.is_finished(exercise, root)


def test_no_lessons_no_next_notebook(tmp_path):
    assert workspace.extend(tmp_path) == []
    assert workspace.next_notebook(tmp_path) is None


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
    assert workspace.is_finished(file) is finished


def test_the_empty_cell_that_jupyterlab_adds_does_not_count(tmp_path):
    content = json.loads(notebook(1, 2))
    content["cells"].append({**content["cells"][-1], "execution_count": None, "source": []})
    file = tmp_path / "lesson.ipynb"
    file.write_text(json.dumps(content))
    assert workspace.is_finished(file)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": [1]}', '{"cells": null}'])
def test_a_broken_notebook_is_unfinished_and_said_so(root, text, capsys):
    workspace.extend(root)
    broken = root / "mine/lessons/00_start.ipynb"
    broken.write_text(text)
    workspace.extend(root)
    assert workspace.next_notebook(root) == broken
    assert broken.read_text() == text
    assert "mine/lessons/00_start.ipynb is no longer a notebook" in capsys.readouterr().err


def test_bytes_that_are_no_text_are_no_notebook(root):
    workspace.extend(root)
    (root / "mine/lessons/00_start.ipynb").write_bytes(b"\xff\xfe\x00")
    assert not workspace.is_finished(root / "mine/lessons/00_start.ipynb")


# ./learn reset


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("1", "exercises/01_one.ipynb"),
        ("01", "exercises/01_one.ipynb"),
        ("01_one", "exercises/01_one.ipynb"),
        ("exercises/01", "exercises/01_one.ipynb"),
        ("lessons/01", "lessons/01_one.ipynb"),
        ("mine/lessons/00_start.ipynb", "lessons/00_start.ipynb"),
    ],
)
def test_reset_puts_a_clean_copy_in_place_and_keeps_the_old_one(root, capsys, name, place):
    workspace.extend(root)
    copy = root / "mine" / place
    clean = copy.read_text()
    edit(copy)
    mine_was = copy.read_text()
    assert workspace.reset(name, root) == 0
    assert copy.read_text() == clean
    (kept,) = dated(copy.parent)
    assert kept.read_text() == mine_was
    assert f"kept as mine/{copy.parent.name}/{kept.name}" in capsys.readouterr().out


def test_what_reset_keeps_is_never_overwritten_and_never_next(root):
    workspace.extend(root)
    exercise = root / "mine/exercises/01_one.ipynb"
    for number in range(5):
        edit(exercise, f"answer {number}")
        assert workspace.reset("01", root) == 0
    kept = dated(exercise.parent)
    assert sorted(json.loads(p.read_text())["cells"][1]["source"][0] for p in kept) == [
        f"answer {number}" for number in range(5)
    ]
    for lesson in (root / "mine/lessons").glob("*.ipynb"):
        finish(lesson)
    progress.record("01", 1, root)
    assert workspace.next_notebook(root) not in kept
    assert progress.load(root)["01"]  # which a reset does not touch
    workspace.reset("01", root)
    assert progress.load(root)["01"]


def test_reset_works_before_there_is_a_copy(root):
    assert workspace.reset("01", root) == 0
    assert names(root / "mine") == {"exercises/01_one.ipynb"}
    assert workspace.extend(root)


@pytest.mark.parametrize("name", ["00", "7", "", "..", "lessons/07", "exercises", "²"])
def test_reset_of_what_is_not_there_names_what_is(root, capsys, name):
    workspace.extend(root)
    before = names(root / "mine")
    assert workspace.reset(name, root) == 2
    said = capsys.readouterr().err
    assert f"there is no {name!r} in " in said and "01_one" in said and said.count("\n") == 1
    assert names(root / "mine") == before


def test_reset_to_an_original_that_is_broken_changes_nothing(root):
    workspace.extend(root)
    (root / "exercises/01_one.ipynb").write_text("<<<<<<< HEAD")
    before = names(root / "mine")
    with pytest.raises(SystemExit, match="not a notebook; nothing was changed"):
        workspace.reset("01", root)
    assert names(root / "mine") == before


def test_a_reset_that_is_cut_off_names_where_the_old_one_is(root, monkeypatch):
    workspace.extend(root)
    exercise = root / "mine/exercises/01_one.ipynb"
    edit(exercise)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", fail)
    with pytest.raises(SystemExit) as end:
        workspace.reset("01", root)
    (kept,) = dated(exercise.parent)
    assert source(kept) == "my answer"
    assert "No space left" in end.value.code and kept.name in end.value.code


def test_a_broken_copy_is_kept_too(root):
    workspace.extend(root)
    exercise = root / "mine/exercises/01_one.ipynb"
    exercise.write_bytes(b"\xff{")
    assert workspace.reset("01", root) == 0
    assert [path.read_bytes() for path in dated(exercise.parent)] == [b"\xff{"]


def test_a_name_that_was_taken_meanwhile_is_not_used(tmp_path):
    for number in range(20):
        (tmp_path / "a.txt").write_text(str(number))
        files.set_aside(tmp_path / "a.txt")
    assert sorted(int(path.read_text()) for path in tmp_path.iterdir()) == list(range(20))


def test_a_file_that_cannot_be_renamed_stays_and_takes_no_name(tmp_path, monkeypatch):
    (tmp_path / "a.txt").touch()

    def fail(*_):
        raise PermissionError

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PermissionError):
        files.set_aside(tmp_path / "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


# ./learn update


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")


@pytest.fixture
def upstream(root: Path, monkeypatch) -> Path:
    """The repository from which the reader's clone came."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (root / ".gitignore").write_text("mine/\n.ipynb_checkpoints/\n")
    (root / "requirements.txt").write_text("fastapi==1\n")
    git(root, "init", "--quiet")
    commit(root)
    return root


@pytest.fixture
def clone(upstream: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reader") / "a clone"
    git(folder.parent, "clone", "--quiet", str(upstream), str(folder))
    workspace.extend(folder)
    return folder


def change_all(upstream: Path) -> None:
    for path in [*(upstream / "lessons").glob("*.ipynb"), upstream / "exercises/01_one.ipynb"]:
        edit(path, f"new {path.stem}")
    (upstream / "lessons/pictures/tree.svg").write_text("<svg>new</svg>")
    (upstream / "lessons/02_two.ipynb").write_text(notebook(1))
    commit(upstream)


def source(notebook_file: Path) -> str:
    return "".join(json.loads(notebook_file.read_text())["cells"][1]["source"])


def test_update_brings_the_new_renews_the_unchanged_and_keeps_the_changed(clone, upstream, capsys):
    change_all(upstream)
    copies = clone / "mine"
    edit(copies / "exercises/01_one.ipynb")
    edit(copies / "lessons/01_one.ipynb", "my notes")
    answers = (copies / "exercises/01_one.ipynb").read_bytes()

    assert update.run(clone) == 0
    said = capsys.readouterr().out.splitlines()
    assert "The repository was updated (1 commit)." in said
    assert "new: mine/lessons/02_two.ipynb" in said
    assert "renewed: mine/lessons/00_start.ipynb" in said
    assert "renewed: mine/lessons/pictures/tree.svg" in said
    assert "left alone, since you changed it: mine/exercises/01_one.ipynb" in said
    assert any(line.endswith("./learn reset 01 (yours is kept next to it)") for line in said)
    assert any(
        line.endswith("./learn reset lessons/01 (yours is kept next to it)") for line in said
    )
    assert source(copies / "lessons/00_start.ipynb") == "new 00_start"
    assert (copies / "exercises/01_one.ipynb").read_bytes() == answers
    assert source(copies / "lessons/01_one.ipynb") == "my notes"
    assert dated(copies / "lessons") == []

    # It is said again until the reader takes the new one, and then no more.
    assert update.run(clone) == 0
    assert (
        "left alone, since you changed it: mine/exercises/01_one.ipynb" in capsys.readouterr().out
    )
    assert workspace.reset("01", clone) == workspace.reset("lessons/01", clone) == 0
    assert source(copies / "exercises/01_one.ipynb") == "new 01_one"
    capsys.readouterr()
    assert update.run(clone) == 0
    assert capsys.readouterr().out == "The repository is up to date.\nNothing new for mine/.\n"


def test_a_copy_that_was_only_run_is_renewed_and_the_run_one_kept(clone, upstream, capsys):
    lesson = clone / "mine/lessons/00_start.ipynb"
    content = json.loads(lesson.read_text())
    content["cells"][1] |= json.loads(notebook(7))["cells"][1]
    content["cells"].append({**content["cells"][-1], "source": []})  # which JupyterLab adds
    lesson.write_text(json.dumps(content, indent=2))
    ran = lesson.read_text()
    change_all(upstream)
    assert update.run(clone) == 0
    assert source(lesson) == "new 00_start"
    (kept,) = dated(lesson.parent)
    assert kept.read_text() == ran
    assert f"as you ran it: mine/lessons/{kept.name}" in capsys.readouterr().out


@pytest.mark.parametrize("record", [None, "", "{", "[]", '{"lessons/00_start.ipynb": 3}'])
def test_without_its_record_every_copy_counts_as_changed(clone, upstream, record):
    path = clone / "mine/.originals.json"
    path.unlink() if record is None else path.write_text(record)
    change_all(upstream)
    before = (clone / "mine/lessons/00_start.ipynb").read_text()
    assert update.run(clone) == 0
    assert (clone / "mine/lessons/00_start.ipynb").read_text() == before
    assert (clone / "mine/lessons/02_two.ipynb").exists()


def test_the_record_mends_itself_while_a_copy_is_as_its_original(clone, upstream):
    (clone / "mine/.originals.json").unlink()
    workspace.extend(clone)
    change_all(upstream)
    assert update.run(clone) == 0
    assert source(clone / "mine/lessons/00_start.ipynb") == "new 00_start"


def test_an_answer_is_kept_where_nothing_came_and_not_spoken_of(clone, capsys):
    edit(clone / "mine/exercises/01_one.ipynb")
    assert update.run(clone) == 0
    assert source(clone / "mine/exercises/01_one.ipynb") == "my answer"
    assert "01_one" not in capsys.readouterr().out


def test_new_packages_are_announced(clone, upstream, capsys):
    (upstream / "requirements.txt").write_text("fastapi==2\n")
    commit(upstream)
    assert update.run(clone) == 0
    assert "the next ./learn installs them" in capsys.readouterr().out


def no_clone(clone: Path, upstream: Path) -> None:
    shutil.rmtree(clone / ".git")


def inside_another(clone: Path, upstream: Path) -> None:
    shutil.rmtree(clone / ".git")
    git(clone.parent, "init", "--quiet")


def no_remote(clone: Path, upstream: Path) -> None:
    git(clone, "remote", "remove", "origin")


def detached(clone: Path, upstream: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")


def remote_gone(clone: Path, upstream: Path) -> None:
    git(clone, "remote", "set-url", "origin", str(upstream.with_name("nowhere")))


def network_gone(clone: Path, upstream: Path) -> None:
    git(clone, "remote", "set-url", "origin", "http://127.0.0.1:9/lessons.git")


def changed_here(clone: Path, upstream: Path) -> None:
    edit(clone / "lessons/00_start.ipynb")


def file_in_the_way(clone: Path, upstream: Path) -> None:
    (clone / "lessons/02_two.ipynb").write_text("mine")


def own_commits(clone: Path, upstream: Path) -> None:
    (clone / "README.md").write_text("mine")
    commit(clone)


def no_git(clone: Path, upstream: Path) -> None:
    os.environ["PATH"] = str(clone / "nothing here")


@pytest.mark.parametrize(
    ("obstacle", "said"),
    [
        (no_git, "git is needed"),
        (no_clone, "not a git clone"),
        (inside_another, "not a git clone"),
        (no_remote, "tracks no branch of a remote"),
        (detached, "detached HEAD"),
        (remote_gone, "git remote -v"),
        (network_gone, "check the network"),
        (changed_here, "lessons/00_start.ipynb; nothing was done"),
        (file_in_the_way, "lessons/02_two.ipynb; nothing was done"),
        (own_commits, "its own commits"),
    ],
)
def test_what_keeps_git_from_pulling_is_a_sentence(clone, upstream, monkeypatch, obstacle, said):
    change_all(upstream)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    before = names(clone / "mine")
    obstacle(clone, upstream)
    with pytest.raises(SystemExit) as end:
        update.run(clone)
    assert end.value.code.startswith("learn: ") and said in end.value.code
    assert "\n" not in end.value.code
    assert names(clone / "mine") == before
