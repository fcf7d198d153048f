"""./learn check: the checks of the exercises in mine/, as they are saved, run from the shell.

Each notebook is executed in a fresh kernel, cell by cell, each within a time limit. A guard holds
the kernel: however this process ends, nothing stays that the notebook has started.
"""

import os
import queue
import re
import select
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workerlab import guard, mine, notebooks, verdicts
from workerlab.guarding import ask_to_end, start_guard
from workerlab.notebooks import NotANotebook
from workerlab.verdicts import Verdict, could_not_check, wrong

ROOT = mine.ROOT
LIMIT = 30.0  # seconds for a cell; a check takes up to 10
START_LIMIT = 60.0  # seconds for a kernel to come up
INTERRUPT_LIMIT = 3.0  # seconds for a cell to end when it is interrupted
# Longer than a server's own guard takes: the kernel's guard waits for what the kernel had started.
GRACE = guard.GRACE + 1
MOST_OUTPUT = 100_000  # characters
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
        found = {name: mine.find(name, root, below="mine") for name in names}
        for name, (folder, path) in found.items():
            if path is None or folder != "exercises":
                there = ", ".join(exercise.stem for exercise in exercises)
                print(f"learn: there is no exercise {name!r}; there are: {there}", file=sys.stderr)
                return 2
        exercises = sorted({path for _, path in found.values()})
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
            f"learn: {path.relative_to(root)} is not a notebook any more; it is left as it is, and "
            f"./learn reset {number} puts a clean one in its place and keeps it.",
            file=sys.stderr,
        )
        return [False]
    original = root / "exercises" / path.name
    try:
        expected = notebooks.load(original) if original.exists() else notebook
    except NotANotebook:
        expected = notebook
    results = dict.fromkeys(notebooks.tasks(expected), False)
    name = f"{number} · {notebooks.title(expected)}"
    with_check = set()
    session = Session(path.parent, limit)
    try:
        for section in sections(notebook):
            with_check.update(section.tasks)
            # The reader sees what is under way.
            print(f"{name}, task {section.tasks[0]}", flush=True)
            for task, text in zip(section.tasks, session.judge(section), strict=True):
                if task != section.tasks[0]:
                    print(f"{name}, task {task}")
                print(f"{text}\n", flush=True)
                # A task may stand there twice, when the reader has kept an earlier try.
                results[task] = results.get(task, False) or text.startswith(verdicts.RIGHT)
    finally:
        session.close()
    for task in results.keys() - with_check:
        missing = could_not_check(
            f"the notebook has no cell with check.task_{task}; ./learn reset {number} puts a clean "
            "notebook in its place and keeps yours"
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

    def _run(self, source: str) -> "Ran":
        if self._kernel is None:
            self._kernel = Kernel(self.folder)
            for earlier in self._worked:
                self._kernel.run(earlier, self.limit)
        ran = self._kernel.run(source, self.limit)
        if ran.kind == "died" or (ran.kind == "too long" and not self._kernel.interrupt()):
            self.close()
        return ran


@dataclass
class Ran:
    """How a cell ended. `died` is with its kernel, `code` being the exit code if known."""

    source: str
    kind: Literal["done", "raised", "too long", "died"]
    output: str = ""
    error: str = ""
    line: int | None = None
    code: int | None = None


class KernelDidNotStart(Exception):
    pass


def _gets(receive: Callable[..., dict]) -> bool:
    """Whether a message comes within half a second."""
    try:
        receive(timeout=0.5)
    except queue.Empty:
        return False
    return True


class Kernel:
    """A fresh IPython kernel of this environment, started by a guard.

    The guard tells at once when the kernel has ended, and with which code.
    """

    def __init__(self, cwd: Path) -> None:
        # Imported here: the sentences above need not wait for them.
        from jupyter_client.blocking import BlockingKernelClient
        from jupyter_client.connect import write_connection_file

        # Sockets in a folder of its own: no ports which another process might take. The path of
        # a socket has at most 104 characters.
        usual = tempfile.gettempdir()
        folder = tempfile.mkdtemp(prefix="workerlab-", dir=usual if len(usual) < 70 else "/tmp")
        connection, _ = write_connection_file(
            f"{folder}/kernel.json", ip=f"{folder}/socket", transport="ipc"
        )
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", connection]
        spec = {
            "folder": folder,
            "argv": [*argv, "--HistoryManager.enabled=False"],
            "cwd": str(cwd.resolve()),
            "log": f"{folder}/log",
        }
        self._folder = folder
        self._marker = uuid.uuid4().hex
        self._news = ""
        self._code: int | None = None
        self._guard = start_guard(spec, {**os.environ, guard.MARKER: self._marker})
        self._client = BlockingKernelClient(connection_file=connection)
        try:
            self._client.load_connection_file()
            self._client.start_channels()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def _wait_until_ready(self) -> None:
        # The client's own waiting takes a slow kernel for a dead one; the guard knows better.
        deadline = time.monotonic() + START_LIMIT
        answered = heard = False
        while not (answered and heard):
            if self.has_ended():
                raise KernelDidNotStart(
                    "the notebook's kernel did not start; what does ./learn doctor say?"
                )
            if time.monotonic() > deadline:
                raise KernelDidNotStart(
                    f"the kernel did not answer within {START_LIMIT:g} s; the machine may be too "
                    "busy. Close other programs and run ./learn check again"
                )
            self._client.kernel_info()
            answered = answered or _gets(self._client.get_shell_msg)
            heard = heard or _gets(self._client.get_iopub_msg)

    def run(self, source: str, limit: float) -> Ran:
        """Run a cell and wait for its end, for `limit` seconds."""
        request = self._client.execute(source, allow_stdin=False, stop_on_error=False)
        ran, number, traceback = Ran(source, "done"), None, ""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            message = self._next(request)
            if message is None:
                if self.has_ended():
                    return Ran(source, "died", ran.output, code=self._code)
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "execute_input":
                number = content["execution_count"]
            elif kind == "stream" and content["name"] == "stdout":
                ran.output = (ran.output + content["text"])[:MOST_OUTPUT]
            elif kind == "error":
                ran.kind, ran.error = "raised", f"{content['ename']}: {content['evalue']}"
                traceback = "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                break
        else:
            return Ran(source, "too long", ran.output)
        if ran.kind == "raised":
            ran.line = line_of(traceback, number, ran.error)
        # exit() and quit() end the kernel a moment later.
        if self._is_leaving(request) or ran.error.startswith("SystemExit"):
            return Ran(source, "died", ran.output)
        return ran

    def interrupt(self) -> bool:
        """Interrupt the cell which is running; whether it has ended."""
        self._client.session.send(
            self._client.control_channel.socket,
            self._client.session.msg("interrupt_request", {}),
        )
        deadline = time.monotonic() + INTERRUPT_LIMIT
        request = self._client.kernel_info()
        while time.monotonic() < deadline:
            try:
                reply = self._client.get_shell_msg(timeout=0.1)
            except queue.Empty:
                continue
            if reply["parent_header"].get("msg_id") == request:
                return True
        return False

    def has_ended(self) -> bool:
        """Whether the kernel is gone; asks its guard."""
        while self._code is None and select.select([self._guard.stdout], [], [], 0)[0]:
            news = os.read(self._guard.stdout.fileno(), 4096).decode()
            self._news += news
            if not news:
                self._code = -1  # the guard itself is gone
            elif found := re.search(r"^exited (-?\d+)$", self._news, re.MULTILINE):
                self._code = int(found[1])
        return self._code is not None

    def close(self) -> None:
        """End the kernel and all that it started."""
        self._client.stop_channels()
        ask_to_end(self._guard, GRACE)
        self._guard.wait(GRACE + 15)
        if self._guard.returncode != 0:  # the notebook has killed it
            self.has_ended()
            started = re.search(r"^started (\d+)$", self._news, re.MULTILINE)
            leader = int(started[1]) if started else -1
            guard.end(self._marker, leader, self._guard.pid, GRACE)
            shutil.rmtree(self._folder, ignore_errors=True)
        self._guard.stdin.close()
        self._guard.stdout.close()

    def _next(self, request: str) -> dict | None:
        try:
            message = self._client.get_iopub_msg(timeout=0.1)
        except queue.Empty:
            return None
        # A thread of an earlier cell may write as well.
        is_ours = message["parent_header"].get("msg_id") == request
        return message if is_ours else {"msg_type": "", "content": {}}

    def _is_leaving(self, request: str) -> bool:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not self.has_ended():
            try:
                reply = self._client.get_shell_msg(timeout=0.1)
            except queue.Empty:
                continue
            if reply["parent_header"].get("msg_id") == request:
                payload = reply["content"].get("payload", [])
                return any(part.get("source") == "ask_exit" for part in payload)
        return self.has_ended()


def verdict_on(ran: Ran, limit: float) -> Verdict:
    """The verdict on a task whose cell did not come to its end."""
    first = next(line.strip() for line in ran.source.splitlines() if line.strip())
    if ran.kind == "too long":
        return wrong(
            "never-ends",
            f"Your cell did not end within {limit:g} seconds; it was stopped.",
            "Which line can wait for ever?",
            ran=f"the cell which begins with: {first}",
        )
    if ran.kind == "died":
        code = f", with exit code {ran.code}" if ran.code is not None else ""
        return wrong(
            "ends-the-process",
            f"Your cell ended the notebook's kernel{code}.",
            "Which line ends the whole program?",
            ran=f"the cell which begins with: {first}",
        )
    lines = ran.source.splitlines()
    known = ran.line is not None and 0 < ran.line <= len(lines)
    where = f"line {ran.line}: {lines[ran.line - 1].strip()}" if known else first
    return wrong(
        "raises",
        f"Your cell raised {ran.error.partition(':')[0]}{f' in line {ran.line}' if known else ''}.",
        "What does the line do that the error speaks of?",
        ran=where,
        came_back=ran.error[:500],
    )


def line_of(traceback: str, number: int | None, error: str) -> int | None:
    """The line of cell `number` in which an error came up, as IPython tells it."""
    if found := re.search(r"\(\d+\.py, line (\d+)\)$", error):  # a syntax error
        return int(found[1])
    text = re.sub(r"\x1b\[[\d;]*m", "", traceback)
    found = re.search(rf"Cell In\[{number}\], line (\d+)", text)
    return int(found[1]) if found else None


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
