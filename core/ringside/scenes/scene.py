"""A picture as data: flat vector nodes with stable keys, in paint order.

A key names the thing a node stands for (``token``, ``pte:guest:3:17``), so the same thing keeps
its node from one picture to the next and can be moved instead of redrawn. Coordinates are in
stage units; every colour comes from style sheets through class tokens (``cls``). A node with
``go`` is a way to that step of the run: a page makes it a button.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]


# Letters are never smaller than this: what a projector of 1024 pixels shows in 13 of them, and a
# phone in 11. By the picture's width; the wide ones are 880, the tall ones 400. A figure crowded
# with bytes and fields may go down to 12.
LEAST_WIDE = 15.7
LEAST_CROWDED = 14.5
LEAST_TALL = 12.3


class DuplicateKey(ValueError):
    """Two nodes of one picture claim to be the same thing."""


class Scene:
    """A picture being drawn: add shapes in paint order, then read :meth:`as_dict`."""

    def __init__(self, width: int, height: int, *, crowded: bool = False) -> None:
        self.width = width
        self.height = height
        wide = LEAST_CROWDED if crowded else LEAST_WIDE
        self.least = wide if width > 500 else LEAST_TALL
        self._nodes: dict[str, Node] = {}

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def __getitem__(self, key: str) -> Node:
        return self._nodes[key]

    def add(self, key: str, shape: str, cls: str, **geometry: Any) -> Node:
        """Add one node; a key that is taken raises :class:`DuplicateKey`."""
        if key in self._nodes:
            raise DuplicateKey(f"the picture already has a node {key!r}")
        node: Node = {"key": key, "shape": shape, "cls": cls}
        for name, value in geometry.items():
            if value is None or value == "":
                continue
            node[name] = round(value, 1) if isinstance(value, float) else value
        self._nodes[key] = node
        return node

    def rect(
        self, key: str, x: float, y: float, w: float, h: float, cls: str, *, r: float = 6,
        tip: str = "", go: int | None = None,
    ) -> Node:
        """A rectangle with its top left corner at ``x, y`` and corner radius ``r``."""
        return self.add(key, "rect", cls, x=x, y=y, w=w, h=h, r=r, tip=tip, go=go)

    def circle(
        self, key: str, x: float, y: float, r: float, cls: str, *, tip: str = "",
        go: int | None = None,
    ) -> Node:
        """A circle around ``x, y``."""
        return self.add(key, "circle", cls, x=x, y=y, r=r, tip=tip, go=go)

    def line(
        self, key: str, x: float, y: float, x2: float, y2: float, cls: str, *, tip: str = ""
    ) -> Node:
        """A straight line; the class token ``arrow`` gives it a head at ``x2, y2``."""
        return self.add(key, "line", cls, x=x, y=y, x2=x2, y2=y2, tip=tip)

    def path(self, key: str, d: str, cls: str, *, tip: str = "") -> Node:
        """An SVG path; the class token ``arrow`` gives it a head at its end."""
        return self.add(key, "path", cls, d=d, tip=tip)

    def text(
        self, key: str, x: float, y: float, text: str, cls: str, *, size: float = 16,
        anchor: str = "start", weight: int = 400, tip: str = "", go: int | None = None,
    ) -> Node:
        """A line of text with its baseline at ``y``; ``anchor`` is start, middle or end."""
        return self.add(
            key, "text", cls, x=x, y=y, text=text, size=max(size, self.least), anchor=anchor,
            weight=weight, tip=tip, go=go,
        )

    def as_dict(self) -> dict[str, Any]:
        """The picture as JSON-ready data: ``width``, ``height`` and ``nodes`` in paint order."""
        return {"width": self.width, "height": self.height, "nodes": list(self)}


def join(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    """What changes from one picture to the next, joined by key.

    ``enter`` and ``update`` hold whole nodes, ``exit`` keys, ``order`` the keys in paint order
    (left out when it did not change). Applying the result to ``before`` gives ``after``.
    """
    old = {node["key"]: node for node in before["nodes"]} if before else {}
    new = {node["key"]: node for node in after["nodes"]}
    patch: dict[str, Any] = {
        "width": after["width"],
        "height": after["height"],
        "enter": [node for key, node in new.items() if key not in old],
        "update": [node for key, node in new.items() if key in old and old[key] != node],
        "exit": [key for key in old if key not in new],
    }
    if list(old) != list(new):
        patch["order"] = list(new)
    return patch


def apply(before: dict[str, Any] | None, patch: dict[str, Any]) -> dict[str, Any]:
    """The picture that ``patch`` makes of ``before`` (the inverse of :func:`join`)."""
    nodes = {node["key"]: node for node in before["nodes"]} if before else {}
    for key in patch["exit"]:
        del nodes[key]
    for node in (*patch["enter"], *patch["update"]):
        nodes[node["key"]] = node
    order = patch.get("order") or list(nodes)
    return {
        "width": patch["width"],
        "height": patch["height"],
        "nodes": [nodes[key] for key in order],
    }
