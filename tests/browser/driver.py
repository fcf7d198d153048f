"""What a reader does in a real browser, and what is seen there meanwhile. Prints it as JSON.

`python -m tests.browser.driver SCENARIO ADDRESS` runs in .venv-tools, which has Playwright; the
tests beside it judge what it has seen.
"""

import json
import shutil
import sys
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# As high as a whole lesson: cells outside of the window are not in the page.
SIZE = {"width": 1280, "height": 20_000}
CELL, PROMPT = ".jp-CodeCell", ".jp-InputPrompt"
LIMIT = 180_000  # milliseconds

# Notes, every 30 ms, what each picture in the page is at that moment.
WATCH = """() => {
  window.seen = [];
  setInterval(() => {
    document.querySelectorAll(".jp-CodeCell").forEach((cell, number) => {
      const busy = cell.querySelector(".jp-InputPrompt").textContent.includes("*");
      for (const picture of cell.querySelectorAll(".workerlab-picture")) {
        const shown = picture.firstElementChild;
        const bars = [...picture.querySelectorAll("path[fill]")];
        const note = {
          cell: number,
          busy: busy,
          kind: shown.tagName.toLowerCase(),
          text: shown.getAttribute("aria-label") || shown.getAttribute("alt"),
          width: Math.max(0, ...bars.map(bar => bar.getBBox().width)),
          height: Math.round(shown.getBoundingClientRect().height),
        };
        const {at, ...last} = window.seen.findLast(one => one.cell === number) || {};
        if (JSON.stringify(last) === JSON.stringify(note)) continue;
        window.seen.push({...note, at: Date.now()});
      }
    });
  }, 30);
}"""


class Notebook:
    """An open notebook, in JupyterLab or Notebook 7."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        # Under load the page asks for a kernel now and then. A reader takes what it proposes.
        asks = page.locator(".jp-Dialog").filter(has_text="Select Kernel")
        page.add_locator_handler(asks, lambda _: self.confirm(), no_wait_after=True)
        page.goto(address)
        page.locator(CELL).first.wait_for(timeout=LIMIT)
        self.wait_for_the_kernel()
        page.evaluate(WATCH)

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    @property
    def cells(self) -> Locator:
        return self.page.locator(CELL)

    def choose(self, menu: str, item: str) -> None:
        """Choose an item of a menu, as `Run`, `Run All Cells`."""
        try:
            self.page.locator(".lm-MenuBar-itemLabel").get_by_text(menu, exact=True).click()
            self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()
        except TimeoutError:
            raise AssertionError(f"no click reaches {menu}; dialogs: {self.dialogs}") from None

    def wait_for_the_kernel(self) -> None:
        """Wait until the page has a kernel, and it is idle."""
        # The page shows "idle" also before there is a kernel.
        name, status = ".jp-KernelName", ".jp-Notebook-ExecutionIndicator"
        expect(self.page.locator(name)).not_to_have_text("No Kernel", timeout=LIMIT)
        expect(self.page.locator(status)).to_have_attribute("data-status", "idle", timeout=LIMIT)

    def run_all(self) -> None:
        """Have all cells run, and come back when they do."""
        runs = f"""() => [...document.querySelectorAll("{CELL} {PROMPT}")]
            .some(prompt => prompt.textContent.includes("*"))"""
        for tries_left in range(5, -1, -1):
            self.choose("Run", "Run All Cells")
            try:
                self.page.wait_for_function(runs, timeout=5000)
                break
            except TimeoutError:
                # The page drops a click that comes while it is being connected to its kernel.
                assert tries_left, f"no cell runs; dialogs: {self.dialogs}"

    @property
    def dialogs(self) -> list[str]:
        """What the open ones say."""
        return self.page.locator(".jp-Dialog").all_inner_texts()

    def confirm(self) -> None:
        """Press the button which the open dialog proposes."""
        self.page.locator(".jp-Dialog .jp-mod-accept").click()

    def wait_until_growing(self) -> None:
        """Wait until a picture draws itself, with a bar that has a worker's colour."""
        grows = (
            """() => window.seen.some(one => one.busy && one.kind === "svg" && one.width > 20)"""
        )
        self.page.wait_for_function(grows, timeout=LIMIT)

    def wait_until_done(self) -> None:
        """Wait until the last cell has run, or one has failed."""
        done = f"""() => {{
            const prompts = [...document.querySelectorAll("{CELL} {PROMPT}")];
            const texts = prompts.map(prompt => prompt.textContent);
            return !texts.some(text => text.includes("*")) && texts.some(text => /\\d/.test(text));
        }}"""
        self.page.wait_for_timeout(500)
        self.page.wait_for_function(done, timeout=LIMIT)
        self.page.wait_for_timeout(700)  # the last picture may be on its way

    def facts(self) -> dict[str, Any]:
        """What has been seen up to now."""
        return {
            "seen": self.page.evaluate("() => window.seen"),
            "outputs": self.page.locator(f"{CELL} .jp-OutputArea-output").all_inner_texts(),
            "errors": self.errors,
            "dialogs": self.dialogs,
            "last_prompt": self.cells.last.locator(PROMPT).inner_text(),
        }


def run_all(notebook: Notebook) -> list[dict[str, Any]]:
    """All cells, from the first to the last."""
    notebook.run_all()
    notebook.wait_until_done()
    return [notebook.facts()]


def interrupt_and_restart(notebook: Notebook) -> list[dict[str, Any]]:
    """An interrupt in the middle of a burst, a restart in the middle of one, and all once more."""
    notebook.run_all()
    notebook.wait_until_growing()
    notebook.choose("Kernel", "Interrupt Kernel")
    notebook.wait_until_done()
    interrupted = notebook.facts()

    notebook.page.evaluate("() => { window.seen = []; }")
    notebook.run_all()
    notebook.wait_until_growing()
    notebook.choose("Kernel", "Restart Kernel…")
    notebook.confirm()
    notebook.wait_for_the_kernel()
    notebook.page.evaluate("() => { window.seen = []; }")
    notebook.run_all()
    notebook.wait_until_done()
    return [interrupted, notebook.facts()]


def open_the_exercise(notebook: Notebook) -> list[dict[str, str]]:
    """Follow a lesson's link to it. Each tab: its text, and what the style sheet puts before it."""
    notebook.page.locator('a[href*="exercises/"]').last.click()
    tabs = notebook.page.locator('.lm-TabBar-tab[title*="Path:"] .lm-TabBar-tabLabel')
    tabs.nth(1).wait_for(timeout=LIMIT)
    return tabs.evaluate_all(
        """tabs => tabs.map(tab => (
            {text: tab.textContent, before: getComputedStyle(tab, "::before").content}))"""
    )


SCENARIOS: dict[str, Callable[[Notebook], list[dict[str, Any]]]] = {
    "run_all": run_all,
    "open_the_exercise": open_the_exercise,
    "interrupt_and_restart": interrupt_and_restart,
}


def main(scenario: str, address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS, timeout=60_000
        )
        facts = SCENARIOS[scenario](Notebook(browser.new_page(viewport=SIZE), address))
        browser.close()
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
