"""The bank of exercise 12, task 1."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex12_beyond_one_machine import check

THREE = "server 127.0.0.1:{a}; server 127.0.0.1:{b}; server 127.0.0.1:{c};"


def config(upstream: str = THREE, location: str = "proxy_read_timeout 1s;") -> str:
    return f"""
upstream shop {{ {upstream} }}
server {{
    listen 127.0.0.1:{{port}};
    location / {{
        proxy_pass http://shop;
        {location}
    }}
}}
"""


@bank(
    Right(config()),
    Right(config("least_conn; " + THREE, "proxy_read_timeout 800ms; proxy_connect_timeout 1s;")),
    Right(
        config(
            THREE.replace(";", " max_fails=3 fail_timeout=30s;") + " keepalive 16;",
            "proxy_next_upstream error timeout http_503; proxy_read_timeout 1s;",
        )
    ),
    Right(config("random two least_conn; " + THREE, "proxy_read_timeout 1;")),
    Wrong(config(location=""), "waits-for-the-hanging"),
    Wrong(config(location="proxy_connect_timeout 1s;"), "waits-for-the-hanging"),
    Wrong(config(location="proxy_send_timeout 1s;"), "waits-for-the-hanging"),
    Wrong(config("server 127.0.0.1:{a}; server 127.0.0.1:{b};"), "hosts-left-out"),
    Wrong(config(THREE.replace("{c};", "{c} backup;")), "hosts-left-out"),
    Wrong(config("ip_hash; " + THREE), "hosts-left-out"),
    Wrong(config(location="proxy_next_upstream off; proxy_read_timeout 1s;"), "lost-with-the-host"),
    Wrong(
        config(location="proxy_next_upstream timeout; proxy_read_timeout 1s;"),
        "lost-with-the-host",
    ),
    Wrong(
        config(location="proxy_next_upstream error; proxy_read_timeout 1s;"),
        "lost-with-the-hanging",
    ),
    Wrong(
        config(location="proxy_read_timeout 1s; proxy_next_upstream_timeout 500ms;"),
        "lost-with-the-hanging",
    ),
    Wrong(config(location="proxy_read_timeout 100ms;"), "fails-when-all-is-well"),
    Wrong(config(THREE.replace("{c};", "{c}")), "not-accepted"),
    Wrong(config(THREE + " fail_over on;"), "not-accepted"),
    Wrong(["upstream"], "not-a-string"),
)
def test_task_1(case):
    judge(check, 1, case)
