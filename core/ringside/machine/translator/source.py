"""The syntax tree of a plain function, found once in its module's source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def _functions(module: str) -> dict[tuple[str, int], ast.FunctionDef]:
    loader = getattr(sys.modules[module], "__loader__", None)
    text = loader.get_source(module) if loader is not None else None
    if text is None:
        raise LookupError(
            f"the translator needs the source of {module}: ship its .py beside any .pyc"
        )
    return {
        (node.name, node.lineno): node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }


@cache
def tree_of(function: Callable[..., Any]) -> ast.FunctionDef:
    """The definition of ``function``. Raises LookupError when its source is not there."""
    code = function.__code__
    found = _functions(function.__module__).get((code.co_name, code.co_firstlineno))
    if found is None:
        raise LookupError(f"{function.__module__}.{code.co_name} is not a plain def")
    return found


@cache
def uses(function: Callable[..., Any]) -> dict[str, int]:
    """How often each name is read in the body of ``function``."""
    counts: dict[str, int] = {}
    for node in ast.walk(tree_of(function)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            counts[node.id] = counts.get(node.id, 0) + 1
    return counts


@cache
def may_raise(function: Callable[..., Any]) -> bool:
    """Whether the meaning can refuse: it touches memory or raises a fault."""
    return "m" in function.__code__.co_varnames[: function.__code__.co_argcount] or any(
        isinstance(node, ast.Raise) for node in ast.walk(tree_of(function))
    )


@cache
def chooses(function: Callable[..., Any]) -> bool:
    """Whether parts of the meaning run under a condition."""
    return any(isinstance(node, ast.If | ast.IfExp) for node in ast.walk(tree_of(function)))
