"""The bank of exercise 08, task 3."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex08_when_workers_fail import check


@bank(
    Wrong("--workers 2", "several-workers"),
    Right("--limit-concurrency 16"),
    Right("--backlog 100 --limit-concurrency=32"),
    Right("--loop asyncio --http h11 --limit-concurrency 9"),
    Wrong("", "no-limit"),
    Wrong("--backlog 16", "no-limit"),
    Wrong("--timeout-keep-alive 1", "no-limit"),
    Wrong("--limit-concurrency 200", "limit-too-high"),
    Wrong("--limit-concurrency 60", "limit-too-high"),
    Wrong("--limit-concurrency 4", "limit-too-low"),
    Wrong("--limit-concurrency 1", "limit-too-low"),
    Wrong("--limit-max-requests 50", "server-ends"),
    Wrong("--worker-connections 16", "no-such-option"),
    Wrong("limit_concurrency = 16", "no-such-option"),
    Wrong("--limit-concurrency 16 --host 0.0.0.0", "open-to-the-network"),
    Wrong(16, "not-a-string"),
)
def test_task_3(case):
    judge(check, 3, case)
