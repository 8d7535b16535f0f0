"""The sessions of the pages that are open: one each, a bounded number, one request at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

LIMIT = 16  # open pages; a run keeps a few megabytes of keyframes


class Answering(Protocol):
    """What a session can do."""

    def handle(self, request: Any) -> dict[str, Any]:
        """Answer one request."""


class Sessions:
    """Sessions by the word a page calls itself; the one unused longest makes room."""

    def __init__(self, make: Callable[[], Answering], limit: int = LIMIT) -> None:
        self._make = make
        self._limit = limit
        self._open: OrderedDict[str, tuple[Answering, threading.Lock]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def answer(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Have the page's session answer; ``lost`` says it was not known any more."""
        session, turn, fresh = self._find(name)
        with turn:
            answer = session.handle(request)
        if fresh and not answer["ok"]:
            answer["lost"] = True
        return answer

    def _find(self, name: str) -> tuple[Answering, threading.Lock, bool]:
        with self._lock:
            fresh = name not in self._open
            if fresh:
                self._open[name] = (self._make(), threading.Lock())
                while len(self._open) > self._limit:
                    self._open.popitem(last=False)
            self._open.move_to_end(name)
            return *self._open[name], fresh
