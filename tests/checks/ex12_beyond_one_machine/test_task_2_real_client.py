"""The bank of exercise 12, task 2."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex12_beyond_one_machine import check

HOST = "proxy_set_header Host $host;\n"
CLIENT = "proxy_set_header X-Forwarded-For $remote_addr;\n"
SCHEME = "proxy_set_header X-Forwarded-Proto $came_by;\n"


@bank(
    Right(HOST + CLIENT + SCHEME),
    # Uvicorn takes the last address that is not a trusted proxy's.
    Right(HOST + "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n" + SCHEME),
    Right(
        HOST + SCHEME + 'proxy_set_header X-Forwarded-For "$http_x_forwarded_for, $remote_addr";'
    ),
    Right("proxy_set_header Host $http_host;" + CLIENT + SCHEME + "proxy_http_version 1.1;"),
    Wrong("", "client-lost"),
    Wrong(CLIENT + SCHEME, "site-lost"),
    Wrong(HOST + SCHEME, "client-lost"),
    Wrong(HOST + SCHEME + "add_header X-Forwarded-For $remote_addr;", "client-lost"),
    Wrong(HOST + SCHEME + "proxy_set_header X-Real-IP $remote_addr;", "client-lost"),
    Wrong(HOST + SCHEME + "proxy_set_header Forwarded for=$remote_addr;", "client-lost"),
    Wrong(HOST + CLIENT, "scheme-lost"),
    Wrong(HOST + CLIENT + "proxy_set_header X-Forwarded-Proto $scheme;", "scheme-lost"),
    Wrong(HOST + CLIENT + "proxy_set_header X-Forwarded-Proto https;", "scheme-lost"),
    Wrong(HOST + SCHEME + "proxy_set_header X-Forwarded-For $http_x_forwarded_for;", "client-lost"),
    Wrong(
        "set $seen $http_x_forwarded_for; if ($seen = '') { set $seen $remote_addr; }"
        + HOST
        + SCHEME
        + "proxy_set_header X-Forwarded-For $seen;",
        "forged-client",
    ),
    Wrong(
        "set $by $http_x_forwarded_proto; if ($by = '') { set $by $came_by; }"
        + HOST
        + CLIENT
        + "proxy_set_header X-Forwarded-Proto $by;",
        "forged-scheme",
    ),
    Wrong(
        "set $site $http_x_forwarded_host; if ($site = '') { set $site $host; }"
        "proxy_set_header Host $site;" + CLIENT + SCHEME,
        "forged-site",
    ),
    Wrong(
        "set $who $http_x_real_ip; if ($who = '') { set $who $remote_addr; }"
        "proxy_set_header X-Forwarded-For $who;" + HOST + SCHEME,
        "forged-client",
    ),
    Wrong(HOST + SCHEME + "proxy_set_header X-Forwarded-For $binary_remote_addr;", "not-passed-on"),
    Wrong(HOST + CLIENT + SCHEME + "return 404;", "not-passed-on"),
    Wrong(HOST + CLIENT + SCHEME + "return 200 'all is well';", "not-passed-on"),
    Wrong(HOST + CLIENT + "proxy_set_header X-Forwarded-Proto $came_from;", "not-accepted"),
    Wrong(None, "not-a-string"),
)
def test_task_2(case):
    judge(check, 2, case)
