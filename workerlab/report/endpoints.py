"""Which endpoints an app has, and which of them are not tried, and why.

Only GET is tried, unless the reader names a path with another method. A GET whose name sounds as if
it acts (log out, delete, shut down) is left alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from workerlab.report.client import Call
from workerlab.report.parameters import resolve, value_of

MOST = 40  # endpoints that are tried
HEALTH = re.compile(r"/(?:_?health|healthz|healthcheck|livez?|readyz?|ping|up|status|alive)/?$")
# Verbs of a GET that acts. "status" and "callbacks" are no verbs, so whole words only.
ACTS = re.compile(
    "logout|logoff|signout|shutdown|stop|quit|exit|kill|terminate|restart|reboot|reset|delete|"
    "remove|destroy|drop|purge|clear|flush|wipe|revoke|cancel|disable|deactivate|unsubscribe|"
    "rotate|trigger|execute|send|publish|toggle|reload|refresh|drain|crash|abort|migrate|upgrade|"
    "callback|authorize"
)
TWO_WORDS = {("log", "out"), ("log", "off"), ("sign", "out"), ("shut", "down")}
DOCUMENTATION = "FastAPI.setup.<locals>."  # the handlers of /docs and its like begin so


@dataclass
class Endpoint:
    """One endpoint: its path as the app writes it, what to send, or why nothing is sent.

    `is_guess`: a value of its path or query is made up, so a 404 or 422 is no fault of the app.
    """

    path: str
    method: str = "GET"
    call: Call | None = None
    why_not: str = ""
    is_guess: bool = False
    handler: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def is_for(self, named: "Endpoint") -> bool:
        """Whether a request that the reader named leads here, by method and path."""
        parts = re.split(r"\{[^}]*\}", self.path)
        pattern = "[^/]+".join(map(re.escape, parts))
        return self.method == named.method and re.fullmatch(pattern, named.path) is not None

    @property
    def is_health(self) -> bool:
        return HEALTH.search(self.path) is not None


def acting_word(*texts: str | None) -> str | None:
    """The verb in these texts that sounds as if a GET acts: shutDown, shut-down and shut_down."""
    split = [re.sub(r"([a-z])([A-Z])", r"\1 \2", text or "") for text in texts]
    words = re.findall(r"[a-z]+", " ".join(split).lower())
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if ACTS.fullmatch(word):
            return word
        if (word, following) in TWO_WORDS:
            return f"{word} {following}"
    return None


def find(description: dict[str, Any], named: list[Call]) -> list[Endpoint]:
    """The app's endpoints, those that the reader named first.

    `description` is the watch's. Its OpenAPI comes first, then what only its table of routes has:
    mounted apps, WebSockets, endpoints that the documentation leaves out. Without both, only `/`
    and what is named.
    """
    found = [Endpoint(urlsplit(call.path).path, call.method, call) for call in named]
    spec, routes = description.get("openapi") or {}, description.get("routes") or []
    others = list(from_openapi(spec))
    known = {endpoint.path for endpoint in others}
    others += [endpoint for endpoint in from_routes(routes) if endpoint.path not in known]
    handlers = {
        (route["path"], method): route["handler"] for route in routes for method in route["methods"]
    }
    for one in list(found):
        meant = [endpoint for endpoint in others if endpoint.is_for(one)]
        exact = [endpoint for endpoint in meant if endpoint.path == one.path]
        for endpoint in (exact or meant)[:1]:
            others.remove(endpoint)
    found += others
    if not any(endpoint.call or endpoint.path == "/" for endpoint in found):
        found.append(Endpoint("/", call=Call("/")))  # mounted files, or no table of routes
    for endpoint in found:
        endpoint.handler = handlers.get((endpoint.path, endpoint.method))
    leave_out_what_is_too_much(found, len(named))
    return found


def leave_out_what_is_too_much(found: list[Endpoint], named: int) -> None:
    """Keep `MOST` calls: the named ones, one for each handler, then a handler's further paths."""
    first, further, seen = found[:named], [], [endpoint.handler for endpoint in found[:named]]
    for endpoint in found[named:]:
        is_new = endpoint.handler is None or endpoint.handler not in seen
        (first if is_new else further).append(endpoint)
        seen.append(endpoint.handler)
    in_order = [endpoint for endpoint in [*first, *further] if endpoint.call is not None]
    for endpoint in in_order[MOST:]:
        endpoint.call = None
        endpoint.why_not = f"only {MOST} are tried; name it with --path"


def from_openapi(spec: dict[str, Any]) -> Iterator[Endpoint]:
    for path, item in (spec.get("paths") or {}).items():
        item = resolve(spec, item)
        for method in ("get", "post", "put", "patch", "delete"):
            if method not in item:
                continue
            if method != "get":
                name = method.upper()
                yield Endpoint(path, name, why_not=only_get(name, path))
                continue
            operation = item["get"]
            tags = " ".join(map(str, operation.get("tags") or ()))
            verb = acting_word(path, operation.get("operationId"), operation.get("summary"), tags)
            if verb:
                yield Endpoint(path, why_not=f"its name says that it may act: {verb}")
                continue
            parameters = [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
            yield filled(spec, path, [resolve(spec, one) for one in parameters])


def only_get(method: str, path: str) -> str:
    return f"only GET is tried by itself; --path '{method} {path}' names it"


def filled(spec: dict[str, Any], path: str, parameters: list[dict[str, Any]]) -> Endpoint:
    """The endpoint with values for its path and for the queries that it requires."""
    address, query, headers, is_guess = path, [], {}, False
    for parameter in parameters:
        name, place = parameter.get("name", ""), parameter.get("in")
        if place == "path" or parameter.get("required"):
            value = value_of(spec, parameter)
            is_guess = is_guess or not value.is_given
            if place == "path":
                address = re.sub(
                    rf"\{{{re.escape(name)}(:\w+)?\}}", quote(str(value.value), safe=""), address
                )
            elif place == "query":
                values = value.value if isinstance(value.value, list) else [value.value]
                query += [(name, str(one)) for one in values]
            elif place == "header":
                headers[name] = str(value.value)
    if "{" in address:
        return Endpoint(path, why_not="a parameter of its path is not described; use --path")
    address += f"?{urlencode(query)}" if query else ""
    return Endpoint(path, call=Call(address, headers=headers), is_guess=is_guess)


def from_routes(routes: list[dict[str, Any]]) -> Iterator[Endpoint]:
    """From the app's table of routes: all there is without an OpenAPI, as in Starlette alone."""
    for route in routes:
        path = re.sub(r":\w+\}", "}", route["path"] or "/")
        handler = (route["handler"] or {}).get("name", "")
        if route["is_websocket"]:
            yield Endpoint(path, "WebSocket", why_not="WebSockets are not tried")
        elif handler.startswith(DOCUMENTATION):
            continue
        elif route["methods"] and "GET" not in route["methods"]:
            method = route["methods"][0]
            yield Endpoint(path, method, why_not=only_get(method, path))
        elif verb := acting_word(path, handler):
            yield Endpoint(path, why_not=f"its name says that it may act: {verb}")
        elif "{" in path:
            yield Endpoint(path, why_not="it has a parameter, and no example; use --path")
        else:
            yield Endpoint(path, call=Call(path))


def call_of(text: str) -> Call:
    """What the reader typed: `/items?limit=5`, or `POST /items {"name": "x"}`.

    Raises ValueError if that is no path.
    """
    method, _, rest = text.partition(" ")
    if method.isalpha() and rest:
        address, _, body = rest.strip().partition(" ")
    else:
        method, address, body = "GET", text, ""
    if not address.startswith("/") or address.startswith("//"):
        raise ValueError(f"{text!r} has no path: write --path '/items?limit=5'")
    parts = urlsplit(address)
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True))
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") + (f"?{query}" if query else "")
    headers = {"Content-Type": "application/json"} if body else {}
    return Call(path, method.upper(), headers, body.encode() if body else None)
