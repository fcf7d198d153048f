"""How the code hangs together: no import circles, and a place that can be guessed for each task."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from workerlab import ROOT

TASKS = sorted((ROOT / "workerlab/checks").glob("ex*/task_*.py"))
every_task = pytest.mark.parametrize(
    "task", TASKS, ids=lambda path: f"{path.parent.name[:4]}/{path.stem}"
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "workerlab").rglob("*.py"))}


def imported_by(module: str) -> set[str]:
    """The modules of workerlab which a module imports, at its top or later.

    What it needs for type hints only is left out, and so are the packages above it.
    """
    found = set()
    for node in nodes_of(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    above = {module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)}
    return (found & MODULES.keys()) - above - {module}


def nodes_of(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from nodes_of(child)


def test_no_import_goes_in_a_circle():
    imports = {module: imported_by(module) for module in MODULES}
    left = dict(imports)
    while done := [module for module, needs in left.items() if not needs & left.keys()]:
        for module in done:
            del left[module]
    assert not left, {module: sorted(needs & left.keys()) for module, needs in left.items()}


@every_task
def test_a_task_has_its_bank_at_the_same_place(task):
    folder = ROOT / "tests/checks" / task.parent.name
    assert (folder / f"test_{task.name}").exists()


@every_task
def test_a_task_is_short(task):
    assert len(task.read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("package", sorted({task.parent for task in TASKS}), ids=lambda p: p.name)
def test_an_exercise_is_named_after_its_notebook_and_short(package):
    number, slug = re.fullmatch(r"ex(\d\d)_(\w+)", package.name).groups()
    assert (ROOT / "solutions" / f"{number}_{slug}.ipynb").exists()
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in package.glob("*.py"))
    assert lines <= 150 * len(list(package.glob("task_*.py")))


# Every mistake that a check can name is made by an answer of a bank

IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def strings_in(node: ast.AST) -> list[str]:
    return [
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def named_in(source: str) -> set[str]:
    """The ids of mistakes: what stands before a sentence and a question, or leads to them."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            pairs = [(key, [value]) for key, value in zip(node.keys, node.values, strict=True)]
        else:
            parts = getattr(node, "elts", None) or getattr(node, "args", None)
            parts = parts if isinstance(parts, list) else []
            pairs = [(one, parts[i + 2 : i + 3]) for i, one in enumerate(parts)]
        for name, told in pairs:
            asks = any(text.rstrip().endswith("?") for one in told for text in strings_in(one))
            if asks and name is not None:
                # A single word may be a word of an answer, except where a verdict begins with it.
                is_verdict = getattr(getattr(node, "func", None), "id", "") == "wrong"
                words = [text for text in strings_in(name) if IDENTIFIER.fullmatch(text)]
                found |= {text for text in words if "-" in text or is_verdict}
    return found


def test_every_mistake_has_an_answer_in_a_bank():
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "workerlab/checks").rglob("*.py")]
    banks = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/checks").rglob("*.py")]
    named = set().union(*map(named_in, code))
    tried = {text for bank in banks for text in strings_in(ast.parse(bank))}
    assert len(named) > 100
    assert not named - tried
