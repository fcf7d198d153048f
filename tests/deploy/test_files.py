"""deploy/ says the same everywhere: grace periods, ports, health paths, pins; and names lessons."""

import ast
import json
import re
import runpy
import sys
from importlib.metadata import PackageNotFoundError, requires

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.notebooks.test_notebooks import read
from workerlab import ROOT

DEPLOY = ROOT / "deploy"
FILES = sorted(
    path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix not in (".pyc", ".md")
)
# They say which files a builder gets, and where nginx listens: nothing that a lesson measures.
WITHOUT_LESSON = {"Dockerfile.dockerignore", "site.conf"}
DIRECT = ("fastapi", "uvicorn[standard]", "gunicorn", "uvicorn-worker", "valkey")

TEXT = {str(path.relative_to(DEPLOY)): path.read_text(encoding="utf-8") for path in FILES}
COMPOSE = yaml.safe_load(TEXT["compose.yaml"])["services"]
KUBERNETES = {
    manifest["kind"]: manifest
    for name, text in TEXT.items()
    if name.startswith("kubernetes/")
    for manifest in yaml.safe_load_all(text)
}
REPLICAS = KUBERNETES["Deployment"]["spec"]
POD = REPLICAS["template"]["spec"]
[CONTAINER] = POD["containers"]
PROBES = [CONTAINER[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]


def only(pattern: str, name: str) -> str:
    """What the one group of the pattern is in a file of deploy/; it must be the same everywhere."""
    [found] = set(re.findall(pattern, TEXT[name], re.MULTILINE))
    return found


@pytest.fixture(scope="module")
def settings():
    """The settings of app/gunicorn_conf.py, with which all of deploy/ starts Gunicorn."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WORKERS", "BIND"):
            patch.delenv(name, raising=False)
        return runpy.run_path(str(ROOT / "app/gunicorn_conf.py"))


# Lessons


@pytest.mark.parametrize("name", TEXT)
def test_a_file_names_lessons_and_those_exist(name):
    named = re.findall(r"[Ll]essons? (\d\d)(?: and (\d\d))?", TEXT[name])
    numbers = {number for pair in named for number in pair if number}
    assert bool(numbers) or name.rpartition("/")[2] in WITHOUT_LESSON
    for number in numbers:
        assert list((ROOT / "lessons").glob(f"{number}_*.ipynb")), number


def test_what_lesson_12_names_in_a_manifest_is_there():
    cells = [cell.source for cell in read(ROOT / "lessons/12_beyond_one_machine.ipynb").cells]
    [table] = [cell for cell in cells if "| in the manifest |" in cell]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")]
    named = {code for row in rows for code in re.findall("`([^`]+)`", row)}
    assert "preStop" in named
    manifests = "\n".join(text for name, text in TEXT.items() if name.startswith("kubernetes/"))
    # `limits.cpu` is a line below a line.
    missing = {code for code in named if code.rpartition(".")[2] not in manifests}
    assert not missing


def test_readme_shows_each_file_and_each_line_of_its_checklist_leads_to_a_lesson():
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name in TEXT:
        folder, _, file = name.rpartition("/")
        assert f"({name})" in text or f"[{folder}/]({folder}/" in text or file[-6:] == "ignore"
    boxes = [line for line in text.splitlines() if line.startswith("- [ ]")]
    assert len(boxes) > 15
    assert all(re.search(r": \[\d\d\]\(\.\./lessons/", line) for line in boxes)


# Pins


def pins(text: str) -> dict[str, str]:
    """The requirement lines of a file: the version of each package."""
    lines = [line.partition(" #")[0].strip() for line in text.splitlines()]
    wanted = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(one.name): str(one.specifier) for one in wanted}


def test_every_pin_is_that_of_the_constraints():
    ours = pins(TEXT["requirements.txt"])
    all_pins = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert ours == {name: all_pins[name] for name in ours}


def requirements_of(package: str) -> list[str]:
    try:
        return requires(package) or []
    except PackageNotFoundError:  # this Python doesn't need it
        return []


def test_what_the_server_needs_is_pinned_and_nothing_else():
    need, waiting = set(), [Requirement(name) for name in DIRECT]
    while waiting:
        one = waiting.pop()
        need.add(canonicalize_name(one.name))
        for text in requirements_of(one.name):
            inner = Requirement(text)
            # A package for some Pythons only is pinned with its marker; Windows is of no interest.
            applies = not inner.marker or any(
                inner.marker.evaluate({"extra": extra, "python_full_version": "3.11.2"})
                for extra in one.extras or {""}
            )
            if applies and inner.name != "colorama" and canonicalize_name(inner.name) not in need:
                waiting.append(inner)
    assert set(pins(TEXT["requirements.txt"])) == need


# Time limits


def test_nothing_kills_before_graceful_timeout_is_over(settings):
    graceful = settings["graceful_timeout"]
    unit = int(only(r"^TimeoutStopSec=(\d+)$", "gunicorn.service"))
    compose = int(COMPOSE["app"]["stop_grace_period"].removesuffix("s"))
    docker = int(only(r"--stop-timeout (\d+)", "Dockerfile"))
    assert unit == compose == docker == graceful + 10
    pause = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] == pause + graceful + 10
    for name in ("Dockerfile", "compose.yaml", "gunicorn.service", "kubernetes/deployment.yaml"):
        assert set(re.findall(r"graceful_timeout = (\d+)", TEXT[name])) <= {str(graceful)}
    assert f"{pause} + {graceful} + 10" in TEXT["kubernetes/deployment.yaml"]


def test_the_proxy_waits_no_longer_than_a_host_that_leaves(settings):
    assert int(only(r"proxy_read_timeout (\d+)s;", "nginx.conf")) <= settings["graceful_timeout"]


def test_the_proxy_hangs_up_first(settings):
    assert int(only(r"^ +keepalive_timeout (\d+)s;", "nginx.conf")) < settings["keepalive"]
    for name in ("nginx.conf", "kubernetes/ingress.yaml"):
        assert f"keepalive of {settings['keepalive']} s" in re.sub(r"\s+#?\s*", " ", TEXT[name])


def test_gunicorn_replaces_a_worker_before_kubernetes_restarts_the_pod(settings):
    liveness = CONTAINER["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] > settings["timeout"]


def test_the_longest_request_fits_into_every_grace_period(settings):
    assert int(only(r"Query\(ge=0, le=(\d+)\)", "example_app.py")) < settings["graceful_timeout"]


# Addresses and names


def test_the_app_has_one_port(settings):
    port = settings["bind"].rpartition(":")[2]
    assert only(r"^EXPOSE (\d+)$", "Dockerfile") == port
    for name in ("Dockerfile", "gunicorn.service"):
        assert only(r"BIND=[\d.]+:(\d+)", name) == port
    for name in ("servers.conf", "compose/servers.conf"):
        assert only(r"^server \S+:(\d+)", name) == port
    [named] = CONTAINER["ports"]
    assert str(named["containerPort"]) == port
    assert {probe["httpGet"]["port"] for probe in PROBES} == {named["name"]}
    [service] = KUBERNETES["Service"]["spec"]["ports"]
    assert service["targetPort"] == named["name"] and str(service["port"]) == port
    [rule] = KUBERNETES["Ingress"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"]["port"] == {"name": service["name"]}


def test_nginx_has_one_port_and_publishes_it_on_loopback():
    port = only(r"^listen 127\.0\.0\.1:(\d+);", "site.conf")
    assert only(r"^listen (\d+);", "compose/site.conf") == port
    assert COMPOSE["nginx"]["ports"] == [f"127.0.0.1:${{PORT:-{port}}}:{port}"]
    assert [name for name, service in COMPOSE.items() if "ports" in service] == ["nginx"]


def test_only_a_container_listens_on_every_address_and_says_why():
    for name, text in TEXT.items():
        lines = text.splitlines()
        everywhere = re.compile(r"(?<![\d.])0\.0\.0\.0")
        code = [i for i, line in enumerate(lines) if everywhere.search(line) and line[0] != "#"]
        assert not code or name == "Dockerfile", name
        for i in code:
            assert "0.0.0.0" in lines[i - 2] and lines[i - 1].startswith("#")


def test_a_health_check_asks_for_a_path_that_the_app_has():
    paths = set(re.findall(r'^@app\.\w+\("([^"]+)"\)', TEXT["example_app.py"], re.MULTILINE))
    assert only(r"8000(/\w+)", "Dockerfile") == "/health"
    assert [probe["httpGet"]["path"] for probe in PROBES] == ["/health", "/health", "/ready"]
    assert {"/health", "/ready"} <= paths


def test_names_are_the_same():
    image = COMPOSE["app"]["image"]
    assert CONTAINER["image"] == image and f"-t {image} " in TEXT["Dockerfile"]
    labels = REPLICAS["template"]["metadata"]["labels"]
    [spread] = POD["topologySpreadConstraints"]
    for selector in (
        REPLICAS["selector"],
        spread["labelSelector"],
        KUBERNETES["PodDisruptionBudget"]["spec"]["selector"],
        {"matchLabels": KUBERNETES["Service"]["spec"]["selector"]},
    ):
        assert selector == {"matchLabels": labels}
    names = {manifest["metadata"]["name"] for manifest in KUBERNETES.values()}
    target = KUBERNETES["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    [rule] = KUBERNETES["Ingress"]["spec"]["rules"]
    service = rule["http"]["paths"][0]["backend"]["service"]
    assert names == {target["name"]} == {service["name"]}
    assert target["kind"] == "Deployment"


def test_the_user_is_the_same_and_not_root():
    user, group = only(r"^USER (\S+)$", "Dockerfile").split(":")
    security = POD["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (int(user), int(group)) != (0, 0)
    assert security["runAsNonRoot"] is True
    unit = only(r"^User=(\w+)$", "gunicorn.service")
    assert f"useradd --system --no-create-home {unit}\n" in TEXT["gunicorn.service"]


# How it is started, and with how much


def test_all_start_the_same_command():
    image = json.loads(only(r"^CMD (\[.*\])$", "Dockerfile"))  # the exec form
    unit = only(r"^ExecStart=(.*)$", "gunicorn.service").split()
    assert unit[0] == "/opt/example/venv/bin/gunicorn"
    in_memory = [part.replace("/run/example", "/dev/shm") for part in unit[1:]]
    assert image == ["gunicorn", *in_memory]


def test_limits_are_the_same():
    compose = COMPOSE["app"]["deploy"]["resources"]["limits"]
    limits = CONTAINER["resources"]["limits"]
    assert limits == {"cpu": compose["cpus"], "memory": compose["memory"] + "i"}
    autoscaler = KUBERNETES["HorizontalPodAutoscaler"]["spec"]
    assert autoscaler["minReplicas"] == REPLICAS["replicas"]


def test_each_place_names_the_store_and_the_proxy():
    names = {line["name"] for line in CONTAINER["env"]}
    assert names == set(COMPOSE["app"]["environment"]) == {"VALKEY_URL", "FORWARDED_ALLOW_IPS"}
    assert '"VALKEY_URL"' in TEXT["example_app.py"]
    assert "valkey" in COMPOSE


def test_the_app_needs_nothing_but_what_is_pinned():
    imported = set()
    for node in ast.walk(ast.parse(TEXT["example_app.py"])):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    assert imported - sys.stdlib_module_names == {"fastapi", "valkey"}
