import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import pytest

from workerlab.checks import patience


@pytest.mark.parametrize(
    ("slowness", "seconds"), [(0.9, 7.0), (1.0, 7.0), (2.5, 17.5), (9.0, 28.0)]
)
def test_a_limit_grows_on_a_busy_machine_up_to_four_times(monkeypatch, slowness, seconds):
    monkeypatch.setattr(patience, "slowness", lambda: slowness)
    assert patience.patience(7.0) == seconds


def test_a_computation_takes_no_less_than_its_cpu_time():
    assert patience.slowness() >= 0.99


def test_of_two_threads_one_measures_after_the_other(monkeypatch):
    measured_by, thread_time = [], time.thread_time

    def recorded() -> float:
        measured_by.append(threading.get_ident())
        return thread_time()

    monkeypatch.setattr(time, "thread_time", recorded)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: patience.slowness(), range(2)))
    assert len(list(groupby(measured_by))) <= 2


def test_a_deadline_passes_later_where_the_cores_are_busy(monkeypatch):
    def seconds(slowness: float) -> float:
        monkeypatch.setattr(patience, "slowness", lambda: slowness)
        began, deadline = time.monotonic(), patience.Deadline(0.5)
        while not deadline.passed():
            time.sleep(0.01)
        return time.monotonic() - began

    assert 0.5 <= seconds(1.0) < 1.0 <= seconds(2.0)
