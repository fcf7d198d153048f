"""The one place that knows how nbval works inside.

nbval knows two outcomes of a cell. The lessons have a third: *not measurable here*, for a claim
which this machine cannot show. Such a cell is reported as skipped where tests/allowed_skips.txt
allows it, and fails everywhere else. Of a cell that failed, nbval shows the output only as it
compares it, without figures, and the figures tell why it failed: they stand below the report.
"""

import re
import sys
from pathlib import Path

import nbformat
import nbval.kernel
import pytest
from nbval.plugin import IPyNbCell, get_sanitize_patterns

from tests.kernels import SocketKernelManager
from workerlab.claims import DID_NOT_HOLD, NOT_MEASURABLE

ALLOWED = Path(__file__).with_name("allowed_skips.txt")
PRINTED = "Printed by the cell"


def configure(config: pytest.Config) -> None:
    """Give nbval kernels that talk through Unix sockets.

    Set the sanitising file by its full path, so that it is found from every folder.
    """
    nbval.kernel.KernelManager = SocketKernelManager
    if config.option.nbval and not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(Path(__file__).with_name("sanitize.cfg"))


def judge(item: pytest.Item, report: pytest.TestReport) -> None:
    """Turn the report of a cell that printed *not measurable here* into a skip, or a failure.

    The report of a cell that failed is given what the cell printed, with its figures.
    """
    if not isinstance(item, IPyNbCell) or report.when != "call":
        return
    text = printed(item)
    if report.failed and text:
        report.sections.append((PRINTED, text))
    sentences = [line for line in text.splitlines() if line.startswith(NOT_MEASURABLE)]
    if not sentences or DID_NOT_HOLD in text:
        return
    unallowed = [s for s in sentences if not is_allowed(s, sys.platform, ALLOWED.read_text())]
    if unallowed:
        report.outcome = "failed"
        report.longrepr = f"{unallowed[0]}\nis not among {ALLOWED.name} for {sys.platform}"
    else:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.cell_num, sentences[0])


def printed(item: IPyNbCell) -> str:
    """All that the cell wrote to its standard output in this run."""
    outputs = item.test_outputs or []
    return "".join(out.get("text", "") for out in outputs if out.get("name") == "stdout")


def is_allowed(sentence: str, platform: str, allowed: str) -> bool:
    """Whether a line `PLATFORM: SENTENCE` of `allowed` names this sentence; `*`: any platform."""
    wanted = sentence.removeprefix(f"{NOT_MEASURABLE}: ").strip()
    for line in allowed.splitlines():
        where, _, what = line.partition(": ")
        if not line.startswith("#") and what.strip() == wanted and where in ("*", platform):
            return True
    return False


def clean(text: str) -> str:
    """The text as nbval compares it: what tests/sanitize.cfg names is replaced."""
    patterns = get_sanitize_patterns(Path(__file__).with_name("sanitize.cfg").read_text())
    for pattern, replacement in patterns:
        text = re.sub(pattern, replacement, text)
    return text


def comparable(notebook: nbformat.NotebookNode) -> list[tuple[str, dict[str, str]]]:
    """Every output of a notebook as nbval compares it, with the id of its cell."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
            texts.update({k: output[k] for k in ("name", "text", "ename", "evalue") if k in output})
            found.append((cell.id, {k: clean(str(v)) for k, v in texts.items()}))
    return found
