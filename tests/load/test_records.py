import pytest

from workerlab.records import NotKnown, Record, Run, peak_overlap

FIGURES = ["makespan", "latencies", "by_worker", "peak_overlap", "throughput", "client_cpu_share"]


def record(**changes) -> Record:
    fields = {"id": "1", "url": "http://127.0.0.1:1/slow", "sent": 0.0, "received": 1.0}
    return Record(**{**fields, **changes})


def test_peak_overlap_counts_what_holds_one_moment_in_common():
    assert peak_overlap([]) == 0
    assert peak_overlap([(0, 1)]) == 1
    assert peak_overlap([(0, 3), (1, 2), (1.5, 4)]) == 3
    assert peak_overlap([(0, 1), (2, 3)]) == 1


def test_intervals_that_only_touch_do_not_overlap():
    assert peak_overlap([(0, 1), (1, 2)]) == 1


def test_join_adds_what_the_worker_reported():
    one = record(status=200)
    one.join(
        {
            "reached": (77, 1.0, ""),
            "began": (77, 2.0, "AnyIO worker thread"),
            "ended": (77, 3.0, ""),
            "replied": (77, 3.5, "200"),
        }
    )
    assert (one.worker, one.reached, one.began, one.ended) == (77, 1.0, 2.0, 3.0)
    assert one.thread == "AnyIO worker thread"
    assert one.in_thread_pool and one.ok


def test_a_handler_without_timing_runs_from_arrival_to_reply():
    one = record(status=200)
    one.join({"reached": (77, 1.0, ""), "replied": (77, 1.5, "200")})
    assert (one.began, one.ended, one.thread) == (1.0, 1.5, None)


def test_a_request_that_died_in_its_handler_keeps_what_is_known():
    one = record(error="the server closed the connection without a reply")
    one.join({"reached": (77, 1.0, ""), "began": (77, 1.1, "MainThread")})
    assert (one.worker, one.began, one.ended) == (77, 1.1, None)
    assert not one.ok


def test_an_exception_in_the_handler_is_named():
    one = record(status=500)
    one.join({"reached": (77, 1.0, ""), "raised": (77, 1.2, "KeyError")})
    assert one.error == "the handler raised KeyError"


def test_a_request_that_reached_nobody():
    one = record(error="ClientConnectorError: refused")
    one.join({})
    assert one.worker is None and one.reached is None


def test_where_nothing_is_reported_a_timed_reply_tells():
    timing = {"worker_pid": 7, "began": 1.0, "ended": 2.0, "thread": "MainThread"}
    record = Record(reply=timing)
    record.join({})
    assert (record.worker, record.began, record.ended, record.reached) == (7, 1.0, 2.0, None)
    record = Record(reply={"worker_pid": 7})
    record.join({})
    assert (record.worker, record.began) == (None, None)


def test_run_sums_up():
    run = Run(
        [
            record(id="2", sent=1.0, received=3.0, began=1.0, ended=2.9, status=200, worker=5),
            record(id="1", sent=0.0, received=2.0, began=0.5, ended=1.5, status=200, worker=5),
            record(id="3", sent=2.0, received=2.5, status=503, worker=6),
        ]
    )
    assert [r.id for r in run.records] == ["1", "2", "3"]
    assert run.makespan == 3.0
    assert run.peak_overlap == 2
    assert run.by_worker == {5: 2, 6: 1}
    assert [r.id for r in run.failures] == ["3"]
    assert run.latencies == [2.0, 2.0]
    assert run.throughput == 2 / 3.0


@pytest.mark.parametrize("figure", FIGURES[1:])
def test_a_run_without_an_answer_has_no_figures(figure):
    run = Run([record(error="refused")])
    with pytest.raises(NotKnown, match=r"no request was answered, so .* is not known: refused"):
        getattr(run, figure)
    assert repr(run) == "1 request; measured: 1.00 s in all, none answered, 1 failed"


@pytest.mark.parametrize("figure", ["makespan", "latencies", "throughput", "client_cpu_share"])
def test_a_run_without_a_request_has_no_figures_of_time(figure):
    with pytest.raises(NotKnown, match="no request was sent"):
        getattr(Run([]), figure)
    assert repr(Run([])) == "0 requests"


def test_a_run_without_a_request_had_no_handler():
    assert Run([]).peak_overlap == 0 and Run([]).by_worker == {}


def test_a_lost_request_that_reached_a_worker_counts():
    run = Run([record(error="lost", worker=7, began=0.5)])
    assert run.by_worker == {7: 1} and run.peak_overlap == 1
    assert "1 worker, 1 handler at once, none answered, 1 failed" in repr(run)


def test_there_is_no_part_of_a_run_without_a_request():
    with pytest.raises(NotKnown, match="no request of this run asked for /health"):
        Run([record()]).only("/health")
    with pytest.raises(NotKnown, match="there are no replies"):
        Run.of_replies([])


def test_runs_that_went_on_side_by_side_add_up():
    slow = Run([record(id="1")], client_cpu=0.2)
    health = Run([record(id="2", url="http://127.0.0.1:1/health?x=1")], client_cpu=0.3, notes=["n"])
    both = slow + health
    assert len(both) == 2 and both.client_cpu == 0.3 and both.notes == ["n"]
    assert [r.id for r in both.only("/health").records] == ["2"]


def test_a_run_of_replies_collected_by_hand():
    reply = {"sent": 1.0, "received": 2.0, "began": 1.2, "ended": 1.9, "thread": "MainThread"}
    run = Run.of_replies([{**reply, "worker_pid": 9, "message": "hello"}])
    assert run.by_worker == {9: 1} and run.records[0].ok


def test_repr_counts_in_words():
    run = Run([record(status=200, worker=1, began=0.1, ended=0.9)])
    assert repr(run) == "1 request; measured: 1.00 s in all, 1 worker, 1 handler at once, 0 failed"
