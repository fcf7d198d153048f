"""Values for an endpoint's parameters, from what its OpenAPI says of them.

Source: https://spec.openapis.org/oas/v3.1.0#parameter-object
"""

from dataclasses import dataclass
from typing import Any

# A made-up value of each format. It seldom names something that exists.
FORMATS = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "email": "a@example.com",
    "uri": "http://127.0.0.1/",
}
DEEPEST = 9  # references that lead to references


@dataclass(frozen=True)
class Value:
    """A value, and whether the app itself names it (an example, a default) or it is made up."""

    value: Any
    is_given: bool


def resolve(spec: dict[str, Any], node: Any) -> dict[str, Any]:
    """What a `$ref` within the document leads to; {} where it leads nowhere."""
    for _ in range(DEEPEST):
        if not isinstance(node, dict) or "$ref" not in node:
            break
        target: Any = spec
        for part in str(node["$ref"]).lstrip("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, dict) else None
        node = target
    return node if isinstance(node, dict) else {}


def value_of(spec: dict[str, Any], parameter: dict[str, Any]) -> Value:
    """A value for a parameter: its example, its default, or one that fits its type."""
    schema = resolve(spec, parameter.get("schema"))
    for place in (parameter, schema):
        given = example_of(spec, place)
        if given is not None:
            return Value(given, True)
    for name in ("const", "default"):
        if schema.get(name) is not None:
            return Value(schema[name], True)
    alternatives = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or []
    for one in [schema, *[resolve(spec, each) for each in alternatives]]:
        if one.get("enum"):
            return Value(one["enum"][0], True)
        made_up = by_type(spec, one)
        if made_up is not None:
            return Value(made_up, False)
    return Value("a", False)


def example_of(spec: dict[str, Any], place: dict[str, Any]) -> Any:
    if place.get("example") is not None:
        return place["example"]
    examples = place.get("examples")
    if isinstance(examples, dict) and examples:
        return resolve(spec, next(iter(examples.values()))).get("value")
    return examples[0] if isinstance(examples, list) and examples else None


def by_type(spec: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value of the schema's type, within its lower limits; None if it names no type."""
    kind = schema.get("type")
    if kind in ("integer", "number"):
        above = schema.get("exclusiveMinimum")
        # Up to OpenAPI 3.0 this was a truth value, which says how to read `minimum`.
        lowest = above + 1 if type(above) in (int, float) else schema.get("minimum", 1)
        return max(1, lowest)
    if kind == "boolean":
        return "true"
    if kind == "array":
        return value_of(spec, {"schema": schema.get("items") or {}}).value
    if kind == "string":
        return FORMATS.get(schema.get("format", ""), "a" * max(1, schema.get("minLength", 1)))
    return None
