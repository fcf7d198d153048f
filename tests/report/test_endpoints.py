"""Which endpoints are tried, with which values, and which are left alone."""

import pytest
from fastapi import APIRouter, FastAPI, Header, Query, WebSocket
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from workerlab.report import endpoints
from workerlab.report.endpoints import acting_word, call_of, find
from workerlab.report.inject.workerlab_watch import description
from workerlab.report.parameters import resolve, value_of


def found_in(app, *named):
    return {one.name: one for one in find(description(app), [call_of(path) for path in named])}


def shop() -> FastAPI:
    app = FastAPI()
    items = APIRouter(prefix="/items")

    @items.get("/latest")
    async def latest() -> int:
        return 1

    @items.get("/{number}")
    async def item(number: int) -> int:
        return number

    @items.post("")
    async def create(name: str) -> int:
        return 1

    @app.get("/logout")
    async def bye() -> int:
        return 1

    @app.get("/things", operation_id="shutDownThings")
    async def things() -> int:
        return 1

    @app.get("/search")
    async def search(q: str, limit: int = 10, tag: list[str] = Query(examples=[["a", "b"]])) -> int:  # noqa: B008
        return 1

    @app.get("/guarded")
    async def guarded(x_version: str = Header(examples=["2"])) -> int:
        return 1

    @app.get("/hidden", include_in_schema=False)
    async def hidden() -> int:
        return 1

    @app.websocket("/chat")
    async def chat(socket: WebSocket) -> None:
        pass

    inner = FastAPI()
    inner.get("/inside")(latest)
    app.include_router(items)
    app.mount("/inner", inner)
    return app


def test_of_an_openapi_the_gets_are_tried_and_the_rest_is_listed():
    found = found_in(shop())
    assert {name for name, one in found.items() if one.call} == {
        "GET /items/latest",
        "GET /items/{number}",
        "GET /search",
        "GET /guarded",
        "GET /hidden",
        "GET /inner/inside",
    }
    assert {name for name, one in found.items() if not one.call} == {
        "POST /items",
        "GET /logout",
        "GET /things",
        "WebSocket /chat",
    }
    assert found["GET /things"].why_not.endswith("shut down")
    assert "--path 'POST /items'" in found["POST /items"].why_not


def test_required_values_are_filled_in_and_optional_ones_are_left_to_the_app():
    found = found_in(shop())
    assert found["GET /items/{number}"].call.path == "/items/1"
    assert found["GET /items/{number}"].is_guess
    assert found["GET /search"].call.path == "/search?q=a&tag=a&tag=b"
    assert found["GET /guarded"].call.headers == {"x-version": "2"}
    assert not found["GET /guarded"].is_guess


def test_a_named_path_replaces_its_own_endpoint_and_no_other():
    found = found_in(shop(), "/items/latest", "/items/7?full=1", "POST /items?name=x")
    assert list(found)[:3] == ["GET /items/latest", "GET /items/7", "POST /items"]
    assert "GET /items/{number}" not in found
    assert found["GET /items/7"].call.path == "/items/7?full=1"
    assert found["POST /items"].call.method == "POST"
    assert "GET /items/{number}" in found_in(shop(), "/items/latest")


def test_without_an_openapi_the_table_of_routes_counts():
    async def home(request):
        pass

    routes = [
        Route("/", home),
        Route("/items/{number:int}", home),
        Route("/in", home, methods=["POST"]),
    ]
    found = found_in(Starlette(routes=[*routes, Mount("/inner", routes=[Route("/x", home)])]))
    assert {name for name, one in found.items() if one.call} == {"GET /", "GET /inner/x"}
    assert "--path" in found["GET /items/{number}"].why_not
    assert "POST /in" in found


def test_an_app_that_says_nothing_is_asked_at_its_root():
    async def app(scope, receive, send):
        pass

    assert list(found_in(app)) == ["GET /"]


def test_an_app_with_hundreds_of_endpoints_is_tried_at_the_first_and_at_the_named():
    app = FastAPI()
    for number in range(endpoints.MOST + 20):
        app.get(f"/items-{number}")(lambda: 1)
    named = f"/items-{endpoints.MOST + 5}"
    found = list(found_in(app, named).values())
    assert sum(one.call is not None for one in found) == endpoints.MOST
    assert found[0].path == named and found[0].call
    assert str(endpoints.MOST) in found[-1].why_not


def test_of_too_many_endpoints_each_handler_is_tried_before_its_further_paths():
    app = FastAPI()
    for path in ("/twice", "/as-well", *(f"/items-{number}" for number in range(endpoints.MOST))):
        app.get(path)(lambda: 1)
    app.get("/rare")(lambda: 2)
    found = found_in(app)
    assert found["GET /twice"].call and found["GET /rare"].call
    assert sum(one.call is not None for one in found.values()) == endpoints.MOST


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("/logout", "logout"),
        ("/users/log-out", "log out"),
        ("userSignOut", "sign out"),
        ("/cache/clear", "clear"),
        ("delete_item_items__id__get", "delete"),
        ("/status", None),
        ("/callbacks", None),
        ("/items/dropdown", None),
        ("/blog/outline", None),
        ("/stopwatch", None),
    ],
)
def test_a_get_whose_name_acts_is_known_by_whole_words(text, word):
    assert acting_word(text) == word


@pytest.mark.parametrize(
    ("parameter", "value", "is_given"),
    [
        ({"example": 5, "schema": {"type": "integer"}}, 5, True),
        ({"examples": {"one": {"value": "x"}}, "schema": {"type": "string"}}, "x", True),
        ({"schema": {"type": "string", "examples": ["y"]}}, "y", True),
        ({"schema": {"type": "integer", "default": 3}}, 3, True),
        ({"schema": {"const": "only"}}, "only", True),
        ({"schema": {"$ref": "#/components/schemas/Size"}}, "small", True),
        ({"schema": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}, 1, False),
        ({"schema": {"type": "integer", "minimum": 100}}, 100, False),
        ({"schema": {"type": "integer", "exclusiveMinimum": 4}}, 5, False),
        ({"schema": {"type": "integer", "minimum": 4, "exclusiveMinimum": True}}, 4, False),
        ({"schema": {"type": "string", "minLength": 3}}, "aaa", False),
        ({"schema": {"type": "string", "format": "date"}}, "2025-01-01", False),
        ({"schema": {"type": "array", "items": {"type": "boolean"}}}, "true", False),
        ({}, "a", False),
    ],
)
def test_a_value_is_the_apps_own_where_it_names_one(parameter, value, is_given):
    spec = {"components": {"schemas": {"Size": {"enum": ["small", "large"]}}}}
    found = value_of(spec, parameter)
    assert (found.value, found.is_given) == (value, is_given)


def test_a_reference_that_leads_nowhere_or_to_itself_is_empty():
    assert resolve({}, {"$ref": "#/components/schemas/None"}) == {}
    spec = {"a": {"$ref": "#/a"}}
    assert resolve(spec, {"$ref": "#/a"}).keys() <= {"$ref"}


@pytest.mark.parametrize(
    ("text", "method", "path", "body"),
    [
        ("/items?limit=5", "GET", "/items?limit=5", None),
        ('POST /items {"name": "x y"}', "POST", "/items", b'{"name": "x y"}'),
        ("delete /items/1", "DELETE", "/items/1", None),
        ("/a b?q=c d", "GET", "/a%20b?q=c+d", None),
    ],
)
def test_a_path_as_the_reader_types_it(text, method, path, body):
    call = call_of(text)
    assert (call.method, call.path, call.body) == (method, path, body)


@pytest.mark.parametrize(
    "text", ["items", "", "http://example.com/", "//example.com", "POST items"]
)
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError, match="--path"):
        call_of(text)
