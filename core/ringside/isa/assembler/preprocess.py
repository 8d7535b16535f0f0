"""The preprocessor: macros, conditions and included files; yields the lines that are left.

It works on tokens, not on text, so every token keeps the place where a person wrote it.
Everything is bounded: lines read, depth of macros and includes, length of an expanded line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ringside.isa.assembler.expressions import Expr, Scope, parse_expression
from ringside.isa.assembler.lexer import (
    DIRECTIVE,
    NAME,
    NUMBER,
    OP,
    Cursor,
    Token,
    tokens_of,
)
from ringside.isa.assembler.macros import (
    MAX_TOKENS,
    Define,
    Line,
    Macro,
    body_of,
    pasted,
    placed_at,
    split,
    takes,
)
from ringside.isa.assembler.problems import GaveUp, Mistake, Origin, Problems

MAX_LINES: Final = 100_000  # after expansion; the largest guest has a few thousand
MAX_DEPTH: Final = 64  # of files and macros in each other

Include = Callable[[str], str]


@dataclass(slots=True)
class _Condition:
    """An open ``%if``: is its present branch read, was one of its branches read, was it outer."""

    token: Token
    reading: bool
    done: bool
    outer: bool
    in_else: bool = False


@dataclass(slots=True)
class _Recording:
    """The body of a ``%macro`` or ``%rep`` being collected."""

    token: Token
    closer: str
    finish: Callable[[list[Line]], None]
    lines: list[Line]
    depth: int = 0


@dataclass(slots=True)
class _Source:
    """Something lines come from: a file, a macro in use, a repetition."""

    lines: Iterator[Line]
    conditions: int


_OPENERS = {"%macro": "%endmacro", "%imacro": "%endmacro", "%rep": "%endrep"}
_CONDITIONS = frozenset({"%if", "%ifdef", "%ifndef"})
_BRANCHES = frozenset({"%elif", "%elifdef", "%elifndef", "%else", "%endif"})


def lines_of(text: str, file: str) -> Iterator[Line]:
    """The lines of a file as tokens; a backslash at the end of a line joins the next one to it."""
    pending: list[Token] = []
    first: Origin | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        origin = Origin(file, number)
        raw = raw.rstrip("\r")
        if raw.endswith("\\") and ";" not in raw:
            pending += tokens_of(raw[:-1], origin)
            first = first or origin
            continue
        tokens = tokens_of(raw, origin)
        if first is not None:
            yield pending + tokens, first
            pending, first = [], None
        elif tokens:
            yield tokens, origin
    if first is not None:
        yield pending, first


class Preprocessor:
    """Reads source lines, obeys ``%`` directives, expands macros; see :meth:`lines`."""

    def __init__(
        self,
        problems: Problems,
        scope: Scope,
        include: Include | None,
        defines: Mapping[str, int],
    ) -> None:
        self.problems = problems
        self.scope = scope
        self.include = include
        self.files: dict[str, str] = {}
        self.macros: dict[str, list[Macro]] = {}
        self.defines: dict[str, Define] = {}
        place = Origin("(options)", 1)
        for name, value in defines.items():
            token = Token(NUMBER, str(value), value, 1, False, place)
            self.defines[name] = Define(None, (token,))
        self._sources: list[_Source] = []
        self._conditions: list[_Condition] = []
        self._recording: _Recording | None = None
        self._uses = 0  # macros expanded so far; makes %%labels unique
        self._read = 0
        self._replaced = 0  # names looked at in the line being expanded
        self._directives: dict[str, Callable[[Cursor, Token, Origin], None]] = {
            "%define": self._define,
            "%xdefine": self._xdefine,
            "%assign": self._assign,
            "%undef": self._undef,
            "%macro": self._macro,
            "%imacro": self._macro,
            "%rep": self._rep,
            "%include": self._include,
            "%error": self._error,
            "%warning": self._nothing,
            "%line": self._nothing,
        }

    # -- reading -----------------------------------------------------------------------------

    def lines(self, text: str, file: str) -> Iterator[Line]:
        """The lines left for the assembler, macros expanded."""
        self.files[file] = text
        self._push(lines_of(text, file))
        while self._sources:
            source = self._sources[-1]
            for tokens, origin in source.lines:
                self._read += 1
                if self._read > MAX_LINES:
                    self.problems.add(
                        Mistake(f"more than {MAX_LINES} lines after expanding macros"), origin
                    )
                    raise GaveUp
                try:
                    yield from self._line(tokens, origin)
                except Mistake as mistake:
                    self.problems.add(mistake, origin)
                if self._sources[-1] is not source:
                    break  # a macro or an included file comes first
            else:
                self._pop()
        if self._recording is not None:
            token = self._recording.token
            self._complain(token, f"`{token.text}` has no `{self._recording.closer}`")

    def _push(self, lines: Iterator[Line]) -> None:
        self._sources.append(_Source(lines, len(self._conditions)))

    def _pop(self) -> None:
        source = self._sources.pop()
        while len(self._conditions) > source.conditions:
            token = self._conditions.pop().token
            if self._recording is None:
                self._complain(token, f"`{token.text}` has no `%endif`")

    def _complain(self, token: Token, message: str) -> None:
        self.problems.add(token.mistake(message), token.origin)

    def _too_deep(self, token: Token, origin: Origin, message: str) -> None:
        if len(self._sources) > MAX_DEPTH:
            self.problems.add(token.mistake(message), origin.outermost())
            raise GaveUp

    def _line(self, tokens: list[Token], origin: Origin) -> Iterable[Line]:
        first = tokens[0] if tokens else None
        word = first.word if first is not None and first.kind == DIRECTIVE else ""
        if self._recording is not None:
            self._record(word, (tokens, origin))
            return ()
        if first is not None and word:
            self._directive(first, word, tokens, origin)
            return ()
        if self._conditions and not self._conditions[-1].reading:
            return ()
        tokens = self.expanded(tokens)
        return self._use_macro(tokens, origin)

    def _record(self, word: str, line: Line) -> None:
        recording = self._recording
        assert recording is not None
        if word in _OPENERS:
            recording.depth += _OPENERS[word] == recording.closer
        elif word == recording.closer:
            if recording.depth == 0:
                self._recording = None
                recording.finish(recording.lines)
                return
            recording.depth -= 1
        recording.lines.append(line)

    def _directive(self, token: Token, word: str, tokens: list[Token], origin: Origin) -> None:
        if word in _CONDITIONS or word in _BRANCHES:
            cursor = Cursor(tokens, origin)
            cursor.index = 1
            self._conditional(cursor, token, word)
            return
        if self._conditions and not self._conditions[-1].reading:
            return
        action = self._directives.get(word)
        if action is None:
            if word in _OPENERS.values():
                raise token.mistake(f"`{token.text}` closes nothing")
            known = "%define, %macro, %include, %if, %rep, %assign, %undef or %error"
            raise token.mistake(f"`{token.text}` is not a directive of this assembler", known)
        cursor = Cursor(tokens, origin)
        cursor.index = 1
        action(cursor, token, origin)

    # -- conditions --------------------------------------------------------------------------

    def _conditional(self, cursor: Cursor, token: Token, word: str) -> None:
        if word in _CONDITIONS:
            outer = not self._conditions or self._conditions[-1].reading
            condition = _Condition(token, False, False, outer)
            self._conditions.append(condition)
            if outer:
                condition.done = True  # if the test fails to parse, read no branch
                condition.reading = condition.done = self._test(cursor, token, word[3:])
            return
        floor = self._sources[-1].conditions
        if len(self._conditions) <= floor:
            raise token.mistake(f"`{token.text}` without an `%if`")
        condition = self._conditions[-1]
        if word == "%endif":
            self._conditions.pop()
            cursor.finish()
            return
        if condition.in_else:
            raise token.mistake(f"`{token.text}` after `%else`", "`%endif`")
        condition.reading = False
        if word == "%else":
            condition.in_else = True
            condition.reading = condition.outer and not condition.done
            cursor.finish()
        elif condition.outer and not condition.done:
            condition.done = True
            condition.reading = condition.done = self._test(cursor, token, word[5:])

    def _test(self, cursor: Cursor, token: Token, which: str) -> bool:
        if which:
            name = self._name(cursor)
            cursor.finish()
            return (name.text in self.defines) == (which == "def")
        return self._constant(cursor, f"`{token.text}`") != 0

    def _constant(self, cursor: Cursor, user: str) -> int:
        rest = Cursor(self.expanded(cursor.tokens[cursor.index :]), cursor.line)
        if rest.done():
            raise cursor.mistake(f"{user} needs an expression", "a number that is known here")
        expr = self._expression(rest)
        rest.finish("an operator or the end of the line")
        if expr.const is None:
            token = next((t for t in rest.tokens if t.kind == NAME), rest.tokens[0])
            raise token.mistake(
                f"{user} needs a value known while reading, but `{token.text}` is not",
                "numbers, %define names, or symbols set by `equ` above",
            )
        cursor.index = cursor.end
        return expr.const

    def _expression(self, cursor: Cursor) -> Expr:
        references = self.scope.references
        self.scope.references = {}
        try:
            return parse_expression(cursor, self.scope)
        finally:
            self.scope.references = references

    # -- definitions -------------------------------------------------------------------------

    def _name(self, cursor: Cursor) -> Token:
        token = cursor.peek()
        if token is None or token.kind != NAME:
            raise cursor.mistake("a name is missing", "a name")
        cursor.index += 1
        return token

    def _define(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        name = self._name(cursor)
        parameters: list[str] | None = None
        after = cursor.peek()
        if after is not None and after.glued and cursor.take("("):
            parameters = []
            while not cursor.take(")"):
                parameters.append(self._name(cursor).text)
                if not cursor.take(","):
                    cursor.need(")", "`,` or `)`")
                    break
        body = tuple(cursor.tokens[cursor.index :])
        self.defines[name.text] = Define(None if parameters is None else tuple(parameters), body)

    def _xdefine(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        name = self._name(cursor)
        body = tuple(self.expanded(cursor.tokens[cursor.index :]))
        self.defines[name.text] = Define(None, body)

    def _assign(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        name = self._name(cursor)
        value = self._constant(cursor, "`%assign`")
        number = Token(NUMBER, str(value), value, name.column, False, name.origin)
        self.defines[name.text] = Define(None, (number,))

    def _undef(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        self.defines.pop(self._name(cursor).text, None)
        cursor.finish()

    def _error(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        rest = cursor.tokens[cursor.index :]
        text = " ".join(
            str(t.value, "utf-8", "replace") if isinstance(t.value, bytes) else t.text for t in rest
        )
        raise Mistake(text or "`%error`", "", token.column, token.origin)

    def _nothing(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        """A directive that changes nothing here."""

    def _include(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        name = cursor.peek()
        if name is None or not isinstance(name.value, bytes):
            raise cursor.mistake("the file's name is missing", 'a name in quotes, `%include "x"`')
        cursor.index += 1
        cursor.finish()
        file = name.value.decode("utf-8", "replace")
        if self.include is None:
            raise name.mistake(f"`{file}` cannot be included: there are no other files here")
        self._too_deep(name, origin, f"`{file}` is included without end: does it include itself?")
        try:
            text = self.include(file)
        except (LookupError, OSError, ValueError):
            raise name.mistake(f"there is no file `{file}`") from None
        self.files[file] = text
        self._push(lines_of(text, file))

    # -- repetition and macros ---------------------------------------------------------------

    def _rep(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        count = self._constant(cursor, "`%rep`")

        def finish(lines: list[Line]) -> None:
            self._too_deep(token, origin, "`%rep` is nested too deeply")
            if lines:
                self._push(line for _ in range(min(count, MAX_LINES)) for line in lines)

        self._recording = _Recording(token, "%endrep", finish, [])

    def _macro(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        lines: list[Line] = []
        recording = _Recording(token, "%endmacro", lambda body: lines.extend(body), lines)
        recording.lines = []
        self._recording = recording  # also when the head is wrong: its body is no code
        name = self._name(cursor)
        head = "the number of parameters: `%macro NAME 2`, `1-3`, `1-*` or `2+`"
        least = self._count(cursor, 0, head)
        most = least
        if cursor.take("-"):
            most = MAX_TOKENS if cursor.take("*") else self._count(cursor, least, head)
        greedy = cursor.take("+")
        rest = cursor.tokens[cursor.index :]
        defaults = tuple(split(rest, MAX_TOKENS, False)) if rest else ()
        macro = Macro(name.text, least, most, greedy, defaults, lines)
        same = self.macros.setdefault(name.text, [])
        same[:] = [m for m in same if (m.least, m.most) != (least, most)] + [macro]

    def _count(self, cursor: Cursor, least: int, expected: str) -> int:
        token = cursor.peek()
        if token is None or token.kind != NUMBER or not least <= int(token.value) <= MAX_TOKENS:
            raise cursor.mistake("the number of parameters is missing", expected)
        cursor.index += 1
        return int(token.value)

    def _use_macro(self, tokens: list[Token], origin: Origin) -> Iterable[Line]:
        if not self.macros or not tokens:
            return ((tokens, origin),)
        at = 0
        if len(tokens) > 2 and tokens[1].kind == OP and tokens[1].text == ":":
            at = 2
        found = self.macros.get(tokens[at].text) if tokens[at].kind == NAME else None
        if found is None:
            return ((tokens, origin),)
        token = tokens[at]
        rest = tokens[at + 1 :]
        count = len(split(rest, MAX_TOKENS, False))
        macro = next((m for m in found if m.accepts(count)), None)
        if macro is None:
            possible = " or ".join(takes(m) for m in found)
            raise token.mistake(f"macro `{token.text}` got {count} parameters", possible)
        self._too_deep(token, origin, f"macro `{token.text}` uses itself without end")
        arguments = split(rest, macro.most, macro.greedy)
        arguments += macro.defaults[len(arguments) - macro.least : macro.most - macro.least]
        self._uses += 1
        self._push(body_of(macro, arguments, origin, self._uses))
        return ((tokens[:2], origin),) if at else ()

    # -- expanding %define -------------------------------------------------------------------

    def expanded(self, tokens: list[Token]) -> list[Token]:
        """The tokens with every ``%define`` name replaced by what it stands for."""
        defines = self.defines
        for token in tokens:
            if token.text in defines and token.kind == NAME:
                break
        else:
            return pasted(tokens)
        out: list[Token] = []
        self._replaced = 0
        self._expand(tokens, out, frozenset(), 0)
        return pasted(out)

    def _expand(
        self, tokens: list[Token], out: list[Token], active: frozenset[str], depth: int
    ) -> None:
        cursor = Cursor(tokens, Origin("", 0))
        while cursor.index < cursor.end:
            token = tokens[cursor.index]
            cursor.index += 1
            self._replaced += 1
            if self._replaced > MAX_TOKENS:
                raise token.mistake("this line is too long after expanding its names")
            define = self.defines.get(token.text) if token.kind == NAME else None
            if define is None or token.text in active:
                out.append(token)
                continue
            if depth > MAX_DEPTH:
                raise token.mistake(f"`{token.text}` is nested too deeply in other definitions")
            body = define.body
            if define.parameters is not None:
                if not cursor.take("("):
                    out.append(token)
                    continue
                body = self._arguments(cursor, token, define, active, depth)
            placed = [placed_at(part, token, index) for index, part in enumerate(body)]
            self._expand(placed, out, active | {token.text}, depth + 1)

    def _arguments(
        self, cursor: Cursor, token: Token, define: Define, active: frozenset[str], depth: int
    ) -> tuple[Token, ...]:
        assert define.parameters is not None
        arguments: list[list[Token]] = [[]]
        nesting = 1
        while True:
            part = cursor.peek()
            if part is None:
                raise token.mistake(f"`{token.text}(` has no `)`", "`)`")
            cursor.index += 1
            if part.kind == OP and part.text in "()":
                nesting += 1 if part.text == "(" else -1
                if nesting == 0:
                    break
            if part.kind == OP and part.text == "," and nesting == 1:
                arguments.append([])
            else:
                arguments[-1].append(part)
        if arguments == [[]] and not define.parameters:
            arguments = []
        if len(arguments) != len(define.parameters):
            need = f"{len(define.parameters)} in parentheses"
            raise token.mistake(f"`{token.text}` got {len(arguments)} parameters", need)
        by_name = dict(zip(define.parameters, arguments, strict=True))
        out: list[Token] = []
        for part in define.body:
            if part.kind == NAME and part.text in by_name:
                self._expand(by_name[part.text], out, active, depth + 1)
            else:
                out.append(part)
        return tuple(out)
