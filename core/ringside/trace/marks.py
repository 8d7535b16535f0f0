"""What is remembered of a run: when which kinds of things happened, and who was running.

A mark is the number of a step. Step ``n`` leads from the state after ``n - 1`` steps to the state
after ``n``, so the events of step ``n`` are what *just happened* in the state at ``n``. Marks are
kept as sorted arrays, one for each kind of event and detail (which vector, which exit reason), so
counting, finding the next and the previous are binary searches.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from ringside.isa.faults import VECTOR_NAMES
from ringside.trace.events import Event, VmcsRead

# What distinguishes events of one kind; a kind that is not here has no details
DETAILS: dict[str, Callable[[Any], str]] = {
    "fault": lambda e: VECTOR_NAMES.get(e.vector, str(e.vector)),
    "interrupt": lambda e: str(e.vector),
    "syscall": lambda e: str(e.number),
    "ring": lambda e: f"{e.before}-{e.after}",
    "silent": lambda e: e.mnemonic,
    "revealed": lambda e: e.mnemonic,
    "control": lambda e: e.register,
    "port": lambda e: e.device,
    "walk": lambda e: str(e.refs),
    "flush": lambda e: e.what,
    "trap": lambda e: e.reason,
    "emulate": lambda e: e.mnemonic,
    "inject": lambda e: VECTOR_NAMES.get(e.vector, str(e.vector)),
    "hypercall": lambda e: e.name if e.result >= 0 else f"{e.name} refused",
    "upcall": lambda e: "called" if e.called else "held back",
    "shadow": lambda e: "hidden" if e.hidden else "true",
    "schedule": lambda e: e.vm,
    "deadline": lambda e: e.vm,
    "missed": lambda e: e.vm,
    "vmexit": lambda e: str(e.reason & 0xFFFF),  # the basic exit reason
    "vmxfail": lambda e: str(e.error),
    "vmentry": lambda e: "launch" if e.launched else "resume",
    "vmcs": lambda e: "read" if isinstance(e, VmcsRead) else "write",
}

BARE_RINGS = ("kernel", "kernel", "kernel", "app")
DEPRIVILEGED_RINGS = ("vmm", "kernel", "kernel", "app")


def detail(event: Event) -> str:
    """What distinguishes ``event`` from others of its kind, or an empty text."""
    of = DETAILS.get(event.kind)
    return "" if of is None else of(event)


class Marks:
    """Steps at which things happened, by kind and detail."""

    __slots__ = ("_samples", "_steps")

    def __init__(self) -> None:
        self._steps: dict[str, dict[str, array[int]]] = {}
        # The last sample of each kind: first step and width of the columns, last step, marks.
        self._samples: dict[str, tuple[int, int, int, list[int]]] = {}

    def add(self, step: int, event: Event) -> None:
        """``event`` happened in ``step``; steps never go down."""
        kind = event.kind
        of = DETAILS.get(kind)
        name = "" if of is None else of(event)
        try:
            self._steps[kind][name].append(step)
        except KeyError:
            self._steps.setdefault(kind, {}).setdefault(name, array("q")).append(step)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of events that happened."""
        return tuple(self._steps)

    def _arrays(self, kind: str, name: str | None) -> Iterator[array[int]]:
        found = self._steps.get(kind, {})
        if name is None:
            yield from found.values()
        elif name in found:
            yield found[name]

    def after(self, step: int, kind: str, name: str | None = None) -> int | None:
        """The first mark after ``step``."""
        found = (
            steps[at]
            for steps in self._arrays(kind, name)
            if (at := bisect_right(steps, step)) < len(steps)
        )
        return min(found, default=None)

    def before(self, step: int, kind: str, name: str | None = None) -> int | None:
        """The last mark before ``step``."""
        found = (
            steps[at - 1] for steps in self._arrays(kind, name) if (at := bisect_left(steps, step))
        )
        return max(found, default=None)

    def counts(self, step: int) -> dict[tuple[str, str], int]:
        """How often each ``(kind, detail)`` had happened by ``step``."""
        return {
            (kind, name): count
            for kind, names in self._steps.items()
            for name, steps in names.items()
            if (count := bisect_right(steps, step))
        }

    def sample(self, kind: str, first: int, last: int, columns: int) -> list[int]:
        """Marks of ``kind`` from ``first`` to ``last``, at most one in each of ``columns``.

        A column's first mark never changes, so a sample of a run that has gone on a little is
        the one before and some more.
        """
        width = max(1, -(-(last - first + 1) // max(1, columns)))
        known = self._samples.get(kind)
        going_on = known is not None and known[:2] == (first, width) and known[2] <= last
        chosen: list[int] = known[3] if known is not None and going_on else []
        column = (chosen[-1] - first) // width + 1 if chosen else 0
        step = self.after(first + column * width - 1, kind)
        while step is not None and step <= last:
            chosen.append(step)
            step = self.after(first + ((step - first) // width + 1) * width - 1, kind)
        self._samples[kind] = first, width, last, chosen
        return chosen[:]

    def forget_after(self, step: int) -> None:
        """The run took another turn after ``step``."""
        self._samples.clear()
        for names in self._steps.values():
            for steps in names.values():
                del steps[bisect_right(steps, step) :]


class Dither:
    """An overview up to step ``next``: what it shows, and what each context is owed so far."""

    __slots__ = ("done", "first", "next", "owed", "runs", "width")

    def __init__(self, first: int, width: int) -> None:
        self.first = self.next = first
        self.width = width
        self.owed: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self.runs: list[tuple[int, int, str]] = []

    def copy(self) -> Dither:
        """One that can go on by itself."""
        other = Dither(self.first, self.width)
        other.next, other.runs = self.next, self.runs[:]
        other.owed, other.done = self.owed.copy(), self.done.copy()
        return other


class Segments:
    """Who was running, as runs of steps: ``(from, to, context)``, both ends included.

    Beside each run stands how many steps every context had before it, so that the shares of any
    stretch are found without walking through it.
    """

    __slots__ = ("_before", "_contexts", "_dither", "_rings", "_starts")

    def __init__(self, rings: tuple[str, str, str, str], first: int, context: str) -> None:
        self._rings = rings
        self._starts = array("q", [first])
        self._contexts = [context]
        self._before: dict[str, array[int]] = {context: array("q", [0])}
        self._dither: Dither | None = None

    def note(self, step: int, event: Event) -> None:
        """Take over from ``event`` in ``step`` who runs after it."""
        after = _CONTEXT_AFTER.get(event.kind)
        if after is None:
            return
        context = after(event, self._rings)
        if self._starts[-1] == step + 1:  # a second change within one step: the last one counts
            self._drop(len(self._starts) - 1)
        if not self._contexts or context != self._contexts[-1]:
            self._append(step + 1, context)

    def _append(self, start: int, context: str) -> None:
        if context not in self._before:
            self._before[context] = array("q", bytes(8 * len(self._starts)))
        for name, before in self._before.items():
            count = before[-1] if before else 0
            if self._contexts and name == self._contexts[-1]:
                count += start - self._starts[-1]
            before.append(count)
        self._starts.append(start)
        self._contexts.append(context)

    def _drop(self, keep: int) -> None:
        del self._starts[keep:]
        del self._contexts[keep:]
        for before in self._before.values():
            del before[keep:]

    def share(self, context: str, step: int) -> int:
        """How many of the steps up to ``step`` ``context`` had."""
        at = bisect_right(self._starts, step) - 1
        if at < 0 or context not in self._before:
            return 0
        count = self._before[context][at]
        return count + step - self._starts[at] + 1 if self._contexts[at] == context else count

    def at(self, step: int) -> str:
        """Who ran in ``step``."""
        return self._contexts[max(0, bisect_right(self._starts, step) - 1)]

    def between(self, first: int, last: int) -> Iterator[tuple[int, int, str]]:
        """The runs from ``first`` to ``last``."""
        at = max(0, bisect_right(self._starts, first) - 1)
        while at < len(self._starts) and self._starts[at] <= last:
            end = self._starts[at + 1] - 1 if at + 1 < len(self._starts) else last
            yield max(first, self._starts[at]), min(end, last), self._contexts[at]
            at += 1

    def overview(self, first: int, last: int, columns: int) -> list[tuple[int, int, str]]:
        """At most ``columns`` runs from ``first`` to ``last`` for a picture that small.

        When there are more, each column goes to the context that is owed most of it so far, and
        what it got beyond its share is charged: the proportions of the whole stay true.
        """
        count = bisect_right(self._starts, last) - max(0, bisect_right(self._starts, first) - 1)
        if count > columns:
            return self._dithered(first, last, max(1, columns))
        return list(self.between(first, last))

    def _dithered(self, first: int, last: int, columns: int) -> list[tuple[int, int, str]]:
        width = -(-(last - first + 1) // columns)
        known = self._dither
        if known is None or (known.first, known.width) != (first, width) or known.next > last + 1:
            known = self._dither = Dither(first, width)
        while known.next + width - 1 <= last:
            self._column(known, known.next + width - 1)
        if known.next > last:
            return known.runs[:]
        rest = known.copy()  # the last column is not full yet
        self._column(rest, last)
        return rest.runs

    def _column(self, dither: Dither, high: int) -> None:
        """Give the column from ``dither.next`` to ``high`` to somebody."""
        low, owed, done, runs = dither.next, dither.owed, dither.done, dither.runs
        for context in self._before:
            share = self.share(context, high)
            before = done.get(context)
            if before is None:
                before = self.share(context, dither.first - 1)
            owed[context] = owed.get(context, 0) + share - before
            done[context] = share
        most = max(owed, key=lambda context: owed[context])
        owed[most] -= high - low + 1
        if runs and runs[-1][2] == most:
            runs[-1] = (runs[-1][0], high, most)
        else:
            runs.append((low, high, most))
        dither.next = high + 1

    def forget_after(self, step: int) -> None:
        """The run took another turn after ``step``."""
        self._dither = None
        self._drop(max(1, bisect_right(self._starts, step + 1)))


_CONTEXT_AFTER: dict[str, Callable[[Any, tuple[str, str, str, str]], str]] = {
    "ring": lambda e, rings: rings[e.after],
    "trap": lambda e, rings: "vmm",
    "resume": lambda e, rings: "app" if e.ring == 3 else "kernel",
}
