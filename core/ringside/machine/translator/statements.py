"""Finishing touches on generated statements: line numbers and empty arms."""

from __future__ import annotations

import ast

from ringside.machine.translator import values


def stamp(node: ast.AST, line: int) -> None:
    """Give ``node`` and its parts a line number, where they have none."""
    for name in node._fields:
        part = getattr(node, name, None)
        if isinstance(part, list):
            for item in part:
                if isinstance(item, ast.AST):
                    stamp(item, line)
        elif isinstance(part, ast.AST):
            stamp(part, line)
    if "lineno" in node._attributes and not hasattr(node, "lineno"):
        node.lineno = line  # type: ignore[attr-defined]
        node.col_offset = 0  # type: ignore[attr-defined]


def tidy(body: list[ast.stmt]) -> None:
    """Fill empty arms."""
    for statement in body:
        if isinstance(statement, ast.If):
            if not statement.body and statement.orelse:
                statement.test = values.negate(statement.test)
                statement.body, statement.orelse = statement.orelse, []
            tidy(statement.body)
            tidy(statement.orelse)
            if not statement.body:
                statement.body = [ast.Pass()]
        elif isinstance(statement, ast.While | ast.For):
            tidy(statement.body)
            tidy(statement.orelse)
