"""deploy/kubernetes/deployment.yaml: its pods, without a cluster, through `podman kube play`.

podman makes a pod for each replica, with its limits, users and volumes. It knows no Service,
Ingress, autoscaler, rolling update or preStop.
"""

import yaml

from tests.deploy.live.engine import DEPLOY, Engine, wait_until

ASK = """
import json, urllib.request
headers = {{'X-Forwarded-For': '203.0.113.9'}}
request = urllib.request.Request('http://{host}:8000/', headers=headers)
print(json.load(urllib.request.urlopen(request, timeout=5))['client'])
"""


def check_whom_they_believe(engine: Engine, one: str, other: str) -> None:
    """The pods' network lies in FORWARDED_ALLOW_IPS; loopback doesn't."""
    address = engine.inside(one, "getent ahostsv4 $(hostname) | head -1").split()[0]
    assert address.startswith("10.")
    for asking, host, seen in ((other, address, "203.0.113.9"), (one, "127.0.0.1", "127.0.0.1")):
        assert engine.inside(asking, f'python3 -c "{ASK.format(host=host)}" 2>&1') == seen


def test_each_replica_is_a_pod_with_the_limits_of_the_deployment(engine: Engine):
    deployment = yaml.safe_load((DEPLOY / "kubernetes/deployment.yaml").read_text())
    replicas = deployment["spec"]["replicas"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    # podman publishes a pod's ports on this machine, where the three would be in each other's way.
    [port] = container.pop("ports")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]
        container[probe]["httpGet"]["port"] = port["containerPort"]
    manifest = engine.write("deployment.yaml", yaml.safe_dump(deployment))
    engine.podman("network", "create", "pods-net")
    try:
        engine.podman("kube", "play", "--network", "pods-net", manifest)
        names = engine.podman("ps", "--format", "{{.Names}}", "--filter", "name=-app").split()
        assert len(names) == replicas
        for name in names:
            wait_until(lambda name=name: "startup complete" in engine.logs(name), "a start")
            ask = (
                "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/ready').status)"
            )
            assert engine.inside(name, f'python3 -c "{ask}"') == "200"
            assert engine.inside(name, "id -u") == "10001"
            assert "Read-only" in engine.inside(name, "touch /srv/new 2>&1")
            assert engine.inside(name, "touch /tmp/new 2>&1") == ""
            assert "tmpfs" in engine.inside(name, "stat -f -c %T /dev/shm")
            assert "/dev/shm/" in engine.inside(name, "ls -l /proc/1/fd")
            assert "NoNewPrivs:\t1" in engine.inside(name, "cat /proc/1/status")
            # A limit of one core: one worker.
            assert len(engine.inside(name, "cat /proc/1/task/1/children").split()) == 1
            limits = engine.inspect(name)["HostConfig"]
            assert limits["Memory"] == 256 * 2**20
        check_whom_they_believe(engine, *names[:2])
        engine.podman("kube", "play", "--down", manifest)
        assert engine.podman("ps", "--all", "--quiet", "--filter", "name=-app") == ""
    finally:
        engine.podman("pod", "rm", "--force", "--all", "--time", "1", check=False)
        engine.podman("network", "rm", "--force", "pods-net", check=False)
