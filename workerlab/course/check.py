"""./learn check: the checks of the exercises in mine/, as they are saved, run from the shell.

Each notebook is executed in a fresh kernel, cell by cell, each within a time limit. A guard holds
the kernel: however this process ends, nothing stays that the notebook has started.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from workerlab import ROOT
from workerlab.checks import verdicts
from workerlab.checks.verdicts import Verdict, could_not_check, wrong
from workerlab.course import notebooks, workspace
from workerlab.course.kernel import Kernel, KernelDidNotStart, Ran
from workerlab.course.notebooks import NotANotebook
from workerlab.status import status

LIMIT = 30.0  # seconds for a cell; a check takes up to 10
HEADS = (verdicts.NOT_ATTEMPTED, verdicts.WRONG, verdicts.RIGHT, verdicts.COULD_NOT_CHECK)


def run(names: list[str], root: Path = ROOT, limit: float = LIMIT) -> int:
    """Print the verdict on each task of these exercises (none: of all).

    The exit status: 0 if all are right, 1 if not, 2 if there is no such exercise.
    """
    exercises = notebooks.find(root / "mine/exercises")
    if not exercises:
        print(
            "learn: there are no exercises in mine/ yet; ./learn puts them there.", file=sys.stderr
        )
        return 2
    if names:
        found = {name: workspace.find(name, root, below="mine") for name in names}
        for name, (folder, path) in found.items():
            if path is None or folder != "exercises":
                there = ", ".join(exercise.stem for exercise in exercises)
                print(f"learn: there is no exercise {name!r}; there are: {there}", file=sys.stderr)
                return 2
        exercises = sorted({path for _, path in found.values()})
    workspace.tell_what_hides_modules(root)
    rights = [is_right for path in exercises for is_right in _check(path, root, limit)]
    print(f"{sum(rights)} of {len(rights)} tasks right")
    return 0 if all(rights) else 1


@dataclass
class Section:
    """A cell with checks, and the cells before it, which belong to it."""

    cells: list[str]
    check: str
    tasks: list[int]


def sections(notebook: dict) -> list[Section]:
    """The notebook's code up to its last check; what comes after is not needed."""
    found, cells = [], []
    for cell in notebooks.code(notebook):
        tasks = notebooks.tasks_in(cell["source"])
        if tasks:
            found.append(Section(cells, cell["source"], tasks))
            cells = []
        else:
            cells = [*cells, cell["source"]]
    return found


def _check(path: Path, root: Path, limit: float) -> list[bool]:
    """Print the verdicts on one exercise; for each of its tasks, whether it is right."""
    number = path.name[:2]
    try:
        notebook = notebooks.load(path)
    except (NotANotebook, OSError):
        print(
            f"learn: {path.relative_to(root)} is no longer a notebook; it is left as it is, and "
            f"./learn reset {number} replaces it with a clean one and keeps it.",
            file=sys.stderr,
        )
        return [False]
    original = root / "exercises" / path.name
    try:
        expected = notebooks.load(original) if original.exists() else notebook
    except (NotANotebook, OSError):
        print(
            f"learn: {original.relative_to(root)} cannot be read as a notebook; the tasks are "
            "taken from your copy.",
            file=sys.stderr,
        )
        expected = notebook
    results = dict.fromkeys(notebooks.tasks(expected), False)
    name = f"{number} · {notebooks.title(expected)}"
    with_check = set()
    session = Session(path.parent, limit)
    try:
        for section in sections(notebook):
            with_check.update(section.tasks)
            # The reader sees what is being checked.
            print(f"{name}, task {section.tasks[0]}", flush=True)
            with status("running its cells"):
                judged = session.judge(section)
            for task, text in zip(section.tasks, judged, strict=True):
                if task != section.tasks[0]:
                    print(f"{name}, task {task}")
                print(f"{text}\n", flush=True)
                # A task may stand there twice, when the reader has kept an earlier try.
                results[task] = results.get(task, False) or text.startswith(verdicts.RIGHT)
    finally:
        session.close()
    for task in results.keys() - with_check:
        missing = could_not_check(
            f"the notebook has no cell with check.task_{task}; ./learn reset {number} replaces it "
            "with a clean copy and keeps yours"
        )
        print(f"{name}, task {task}\n{missing}\n")
    return list(results.values())


class Session:
    """A notebook's kernel, replaced when a cell has ended or blocked it."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder = folder
        self.limit = limit
        self._kernel: Kernel | None = None
        self._obstacle: str | None = None  # why no kernel could be had
        self._worked: list[str] = []  # what a new kernel has to run first

    def judge(self, section: Section) -> list[str]:
        """Run a section; the verdict on each of its tasks, as the notebook would print it."""
        try:
            # Without a kernel for one section, the later ones lack what it would have run.
            if self._obstacle is None:
                return self._judge(section)
        except KernelDidNotStart as error:
            self._obstacle = str(error)
        return [str(could_not_check(self._obstacle))] * len(section.tasks)

    def close(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None

    def _judge(self, section: Section) -> list[str]:
        failure = None
        for source in section.cells:
            ran = self._run(source)
            if ran.kind == "done":
                self._worked.append(source)
            elif failure is None or failure.kind == "raised":
                failure = ran
        # What raised may be a trial further up: then the check says whether the answer is right.
        is_last = failure is not None and failure.source == section.cells[-1]
        if failure is not None and (failure.kind != "raised" or is_last):
            return [str(verdict_on(failure, self.limit))] * len(section.tasks)
        ran = self._run(section.check)
        printed = printed_verdicts(ran.output)
        if ran.kind != "done":
            about = failure if failure is not None and ran.kind == "raised" else ran
            printed.append(str(verdict_on(about, self.limit)))
        if not printed:
            printed.append(str(could_not_check("the cell with the check printed no verdict")))
        printed += [printed[-1]] * len(section.tasks)
        return printed[: len(section.tasks)]

    def _run(self, source: str) -> Ran:
        if self._kernel is None:
            self._kernel = Kernel(self.folder)
            for earlier in self._worked:
                self._kernel.run(earlier, self.limit)
        ran = self._kernel.run(source, self.limit)
        if ran.kind == "died" or (ran.kind == "too long" and not self._kernel.interrupt()):
            self.close()
        return ran


def verdict_on(ran: Ran, limit: float) -> Verdict:
    """The verdict on a task whose cell did not come to its end."""
    first = next(line.strip() for line in ran.source.splitlines() if line.strip())
    if ran.kind == "too long":
        return wrong(
            "never-ends",
            f"Your cell did not finish within {limit:g} seconds, so it was stopped.",
            "Which line can wait forever?",
            ran=f"the cell that begins with: {first}",
        )
    if ran.kind == "died":
        code = f", with exit code {ran.code}" if ran.code is not None else ""
        return wrong(
            "ends-the-process",
            f"Your cell killed the notebook's kernel{code}.",
            "Which line ends the whole program?",
            ran=f"the cell that begins with: {first}",
        )
    lines = ran.source.splitlines()
    known = ran.line is not None and 0 < ran.line <= len(lines)
    where = f"line {ran.line}: {lines[ran.line - 1].strip()}" if known else first
    return wrong(
        "raises",
        f"Your cell raised {ran.error.partition(':')[0]}{f' in line {ran.line}' if known else ''}.",
        "What does the line do that the error points to?",
        ran=where,
        came_back=ran.error[:500],
    )


def printed_verdicts(output: str) -> list[str]:
    """The verdicts in what a cell has printed: a head, and the indented lines below it."""
    found: list[list[str]] = []
    is_inside = False
    for line in output.splitlines():
        if line.startswith(HEADS):
            found.append([line])
            is_inside = True
        elif is_inside and line.startswith("  "):
            found[-1].append(line)
        else:
            is_inside = False
    return ["\n".join(lines) for lines in found]
