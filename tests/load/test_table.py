"""The figures of each request: in the order of sending, and nothing unknown printed as zero."""

from workerlab.records import Record, Run


def test_a_line_for_each_request():
    first = Record(sent=10.0, began=10.1, ended=10.35, received=10.4, status=200, worker=7001)
    second = Record(sent=10.05, began=10.06, ended=10.16, received=10.2, status=503, worker=7000)
    lost = Record(sent=10.2, received=10.5, error="the server closed the connection")
    head, *lines = repr(Run([second, first, lost]).table()).splitlines()
    assert head.split() == ["request", "sent", "waited", "ran", "worker", "status"]
    assert [line.split(maxsplit=6) for line in lines] == [
        ["1", "measured:", "0.000", "0.100", "0.250", "2", "200"],
        ["2", "measured:", "0.050", "0.010", "0.100", "1", "503"],
        ["3", "measured:", "0.200", "-", "-", "-", "the server closed the connection"],
    ]


def test_the_columns_stand_below_their_names():
    record = Record(sent=1.0, began=1.1, ended=1.2, received=1.3, status=200, worker=7)
    head, line = repr(Run([record]).table()).splitlines()
    for name, figure in (("sent", "0.000"), ("ran", "0.100"), ("worker", " 1")):
        assert head.rindex(name) + len(name) == line.rindex(figure) + len(figure)


def test_an_empty_run():
    assert len(repr(Run([]).table()).splitlines()) == 1
