"""The reader's cell: its source, the name of a function in it, and whether it is still blank."""

import ast
import inspect
import linecache
import re
from collections.abc import Mapping
from typing import Any

# A line of nothing but three dots, in an answer that is the text of a file.
DOTS = re.compile(r"^\s*\.\.\.\s*(#.*)?$", re.MULTILINE)
MOST_PARTS = 1000  # more were not typed, and to look at millions would take minutes


def is_blank(answer: Any) -> bool:
    """Whether the three dots are still there: as the answer, in it, or in the body of a function or
    of an app's lifespan."""
    if answer is ...:
        return True
    if isinstance(answer, str):
        return DOTS.search(answer) is not None
    if isinstance(answer, Mapping):
        return any(is_blank(part) for part in answer.values())
    if isinstance(answer, list | tuple | set):
        return len(answer) < MOST_PARTS and any(is_blank(part) for part in answer)
    body = body_of(getattr(getattr(answer, "router", None), "lifespan_context", answer))
    return body is not None and any(_is_dots(statement) for statement in body)


def source_of(function: Any) -> str:
    """The source of the whole cell, or file, in which a function was written; empty if unknown.

    Of a decorated function, that of the function inside.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "".join(linecache.getlines(code.co_filename)) if code else ""


def name_of(function: Any) -> str:
    """The name that a function has in its cell: a lambda knows none itself."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    own = str(getattr(function, "__name__", ""))
    if names.get(own) is function:
        return own
    return next((name for name, value in names.items() if value is function), own)


def body_of(function: Any) -> list[ast.stmt] | None:
    """The statements of a function, its docstring left out; None if this is no function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    try:
        tree = ast.parse(source_of(function))
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = {node.lineno, *(d.lineno for d in node.decorator_list)}
            if code is not None and node.name == code.co_name and code.co_firstlineno in lines:
                return [s for s in node.body if not _is_text(s)]
    return None


def _is_dots(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(value, ast.Constant) and value.value is ...


def _is_text(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(getattr(value, "value", None), str)
