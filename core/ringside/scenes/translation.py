"""The figure "Binary translation": guest code, its translation beside it, and the cache as a whole.

On the left the guest's instructions, on the right what the processor runs instead, joined by
bands in the colour of what became of each. Below them who else has a part in it: the VMM, and the
lookup for returns. Then the whole cache as a strip of units with the chained jumps as arcs, and how
the guest's kernel instructions were carried out so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from .cache_strip import Arc, Piece, Place, Share, draw_shares, draw_strip
from .scene import Scene

LETTER = 0.61  # of the font's size: the width of a letter, bold or of fixed width


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction. ``hot``: the step executed it. ``muted``: it stands for none of the
    guest's. ``chip`` says where a branch leads, in the colour ``chip_tone``."""

    key: str
    address: str
    code: str
    text: str
    hot: bool = False
    muted: bool = False
    chip: str = ""
    chip_tone: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A guest instruction and what it became; one of the two may be missing. ``head`` is a line
    above it: here another unit begins."""

    key: str
    tone: str  # colour of its kind
    word: str  # its kind, in a word
    guest: Row | None
    cache: tuple[Row, ...]
    hot: bool = False
    tip: str = ""
    head: str = ""

    @property
    def rows(self) -> int:
        """Rows of its instructions."""
        return max(len(self.cache), 1)

    @property
    def height(self) -> int:
        """Rows it takes."""
        return self.rows + bool(self.head)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody below the code who takes part: idle unless ``active``."""

    key: str
    title: str
    text: str
    tone: str
    active: bool
    tip: str = ""


@dataclass(frozen=True, slots=True)
class TranslationView:
    """Everything the figure needs to know at one moment."""

    guest_title: str
    cache_title: str
    blocks: tuple[Block, ...]
    mood: str = ""  # "stale": the unit was given up; "new": just translated
    empty: tuple[str, ...] = ()  # lines in the place of a translation
    empty_tone: str = "muted"
    token: str = "kernel"  # colour of who runs
    token_at: str = ""  # key of the row or actor it is at
    token_tip: str = ""
    arrow: str = ""  # "in": from the code to the VMM; "out": back
    actors: tuple[Actor, ...] = ()
    strip_title: str = ""
    strip_note: str = ""
    pieces: tuple[Piece, ...] = ()
    arcs: tuple[Arc, ...] = ()
    shares_title: str = ""
    shares: tuple[Share, ...] = ()
    figures: tuple[tuple[str, str, str], ...] = ()  # key, value, what it is
    more: str = "{n} more"


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    left: float  # guest column: where it begins and how wide it is
    left_width: float
    right: float
    right_width: float
    top: float
    bottom: float  # of the rows
    size: float  # of the instructions' letters
    row: float  # most height of a row
    least: float  # least height of a row
    title: float
    actors: float  # y
    strip: float
    shares: float
    addresses: bool  # whether there is room for them


_LAYOUTS = {
    "wide": _Layout(
        880, 578, 8, 318, 416, 440, 32, 374, 15, 25, 19, 16, 383, 454, 518, True,
    ),
    "tall": _Layout(
        400, 714, 4, 142, 160, 236, 26, 366, 12.5, 22, 17, 13, 374, 498, 572, False,
    ),
}  # fmt: skip


def draw(view: TranslationView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height, crowded=True)
    places = _draw_code(scene, layout, view)
    places |= _draw_actors(scene, layout, view)
    _draw_token(scene, layout, view, places)
    wide = layout.width > 500
    size = layout.size + (0 if wide else 0.5)
    place = Place(layout.left, layout.strip, layout.width - 2 * layout.left, size, wide)
    draw_strip(scene, place, (view.strip_title, view.strip_note), view.pieces, view.arcs)
    below = place._replace(y=layout.shares)
    draw_shares(scene, below, view.shares_title, view.shares, view.figures)
    return scene


Places = dict[str, tuple[float, float]]


def _window(blocks: tuple[Block, ...], rows: int) -> tuple[int, int]:
    """Which blocks to show where not all have room: the hot one, and some of what follows it."""
    hot = next((n for n, block in enumerate(blocks) if block.hot), 0)
    first, before = 0, 2 * rows // 3
    while first < hot and sum(block.height for block in blocks[first : hot + 1]) > before:
        first += 1
    last, used = first, 0
    while last < len(blocks) and (last == first or used + blocks[last].height <= rows):
        used += blocks[last].height
        last += 1
    while first and used + blocks[first - 1].height <= rows:
        first -= 1
        used += blocks[first].height
    return first, last


def _draw_code(scene: Scene, layout: _Layout, view: TranslationView) -> Places:
    size = layout.title
    base = layout.top - 14
    scene.text("guest:title", layout.left, base, view.guest_title, "title kernel", size=size,
               weight=600)
    scene.text("cache:title", layout.right, base, view.cache_title, "title vmm", size=size,
               weight=600)
    room = layout.bottom - layout.top
    rows = sum(block.height for block in view.blocks)
    most = int(room / layout.least) - (1 if rows * layout.least > room else 0)
    first, last = _window(view.blocks, most)
    shown = view.blocks[first:last]
    rows = sum(block.height for block in shown)
    hidden = len(view.blocks) - len(shown)
    if hidden:
        room -= layout.size
    height = min(layout.row, room / max(rows, 1))
    y = layout.top
    places: Places = {}
    if view.empty:
        _draw_empty(scene, layout, view, height)
    for block in shown:
        places |= _draw_block(scene, layout, view, block, y, height)
        y += block.height * height
    if hidden:
        scene.text("more", layout.left, min(y + layout.size * 1.2, layout.bottom + 4),
                   "… " + view.more.format(n=hidden), "label muted", size=layout.size - 0.5)
    return places


def _draw_empty(scene: Scene, layout: _Layout, view: TranslationView, height: float) -> None:
    """What stands in the cache's column where there is no translation."""
    tall = max(len(view.blocks) * height, layout.size * 2.2 * (len(view.empty) + 1))
    scene.rect("cache:empty", layout.right, layout.top, layout.right_width,
               min(tall, layout.bottom - layout.top), f"box {view.empty_tone} ghost", r=8)
    fits = int((layout.right_width - 20) / ((layout.size - 0.5) * 0.54))
    words = [line for text in view.empty[1:] for line in wrap(text, fits)]
    for number, line in enumerate((*view.empty[:1], *words)):
        first = number == 0
        scene.text(f"cache:empty:{number}", layout.right + 12,
                   layout.top + layout.size * (2 + 1.7 * number), line,
                   f"label {view.empty_tone}" if first else "label muted",
                   size=layout.size + (1 if first else -0.5), weight=600 if first else 400)


def _draw_block(
    scene: Scene, layout: _Layout, view: TranslationView, block: Block, y: float, height: float
) -> Places:
    """One guest instruction, the band, and what it became."""
    places: Places = {}
    if block.head:
        scene.text(f"{block.key}:head", layout.left, y + height * 0.72, block.head,
                   "label muted", size=layout.size - 0.5, weight=600)
        y += height
    tall = block.rows * height
    gap = 2.0
    mood = " stale" if view.mood == "stale" and block.cache else ""
    hot = " current" if block.hot else ""
    left_end = layout.left + layout.left_width
    guest_top = y + (tall - height) / 2
    tone = f"box {block.tone}{hot}{mood}"
    if block.guest is not None and block.cache:
        _draw_band(scene, layout, block, guest_top, y, height, tall, mood)
    if block.cache:
        scene.rect(f"{block.key}:cache", layout.right, y + gap / 2, layout.right_width, tall - gap,
                   tone, r=5, tip=block.tip)
    if block.guest is not None:
        scene.rect(f"{block.key}:guest", layout.left, guest_top + gap / 2, layout.left_width,
                   height - gap, tone, r=5, tip=block.tip)
        _draw_row(scene, layout, block.guest, layout.left, layout.left_width, guest_top, height,
                  mood)
        places[block.guest.key] = (left_end + 9, guest_top + height / 2)
    for number, row in enumerate(block.cache):
        top = y + number * height
        _draw_row(scene, layout, row, layout.right, layout.right_width, top, height, mood)
        places[row.key] = (layout.right - 9, top + height / 2)
    return places


def _draw_band(
    scene: Scene, layout: _Layout, block: Block, guest_top: float, top: float, height: float,
    tall: float, mood: str,
) -> None:  # fmt: skip
    x1, x2 = layout.left + layout.left_width, layout.right
    middle = (x1 + x2) / 2
    a, b = guest_top + 1, guest_top + height - 1
    c, d = top + 1, top + tall - 1
    path = (
        f"M{x1:.1f} {a:.1f}C{middle:.1f} {a:.1f} {middle:.1f} {c:.1f} {x2:.1f} {c:.1f}"
        f"L{x2:.1f} {d:.1f}C{middle:.1f} {d:.1f} {middle:.1f} {b:.1f} {x1:.1f} {b:.1f}Z"
    )
    hot = " hot" if block.hot else ""
    scene.path(f"{block.key}:band", path, f"band {block.tone}{hot}{mood}", tip=block.tip)
    if block.word and x2 - x1 > 50:
        scene.text(f"{block.key}:word", middle - 3, guest_top + height / 2 + 5, block.word,
                   f"label {block.tone}", size=14.5, anchor="middle", weight=700, tip=block.tip)


def _draw_row(
    scene: Scene, layout: _Layout, row: Row, x: float, width: float, y: float, height: float,
    mood: str,
) -> None:  # fmt: skip
    """Address and text, and the bytes where they fit; else pointing at it tells them."""
    size = layout.size
    small = size - 0.5
    base = y + height / 2 + size * 0.33
    tone = "value" + (" hot" if row.hot else "") + mood
    at = x + 8
    if layout.addresses:
        if row.address:
            scene.text(f"{row.key}:address", at, base, row.address, "value muted", size=small,
                       tip=row.code)
        at += 8.8 * small * LETTER
    room = x + width - 6 - at
    chip = (len(row.chip) * small * LETTER + 14) if row.chip else 0.0
    fits = int((room - chip) / (size * LETTER))
    text = row.text if len(row.text) <= fits else row.text[: max(fits - 1, 1)] + "…"
    scene.text(row.key, at, base, text, tone + (" muted" if row.muted and not row.hot else ""),
               size=size, weight=700 if row.hot else 400,
               tip=f"{row.tip or row.text} · {row.code}" if row.code else row.tip or row.text)
    if row.code and not row.chip and len(row.code) < fits - len(text) - 1:
        scene.text(f"{row.key}:bytes", x + width - 8, base, row.code, "value muted", size=small,
                   anchor="end", tip=row.code)
    if row.chip:
        scene.text(f"{row.key}:chip", x + width - 8, base, row.chip,
                   f"label mono {row.chip_tone}", size=small, anchor="end", weight=700)


def _draw_actors(scene: Scene, layout: _Layout, view: TranslationView) -> Places:
    """Boxes below the code: beside each other, or in the tall shape one below the other."""
    places: Places = {}
    wide = layout.width > 500
    size = layout.size + (0 if wide else 0.5)
    width = layout.right + layout.right_width - layout.left
    x, y = layout.left, layout.actors
    for number, actor in enumerate(view.actors):
        own = (layout.left_width, width - layout.left_width - 10)[number] if wide else width
        active = " current" if actor.active else ""
        tone = actor.tone if actor.active else "muted"
        scene.rect(f"{actor.key}:box", x, y, own, 46, f"box {tone}{active}", r=8, tip=actor.tip)
        scene.text(f"{actor.key}:title", x + 14, y + 19, actor.title,
                   f"label {actor.tone if actor.active else 'muted'}", size=size, weight=700,
                   tip=actor.tip)
        fits = int((own - 24) / ((size - 0.5) * 0.56))
        text = actor.text if len(actor.text) <= fits else actor.text[: fits - 1] + "…"
        scene.text(f"{actor.key}:text", x + 14, y + 37, text,
                   "label" if actor.active else "label muted", size=size - 0.5, tip=actor.text)
        places[actor.key] = (x + own - 18, y + 16)
        if wide:
            x += own + 10
        else:
            y += 52
    return places


def _draw_token(scene: Scene, layout: _Layout, view: TranslationView, places: Places) -> None:
    """Who runs, and where; with an arrow where the VMM takes or gives."""
    if view.token_at not in places:
        return
    x, y = places[view.token_at]
    hot = next((key for block in view.blocks for row in block.cache[::-1]
                if (key := row.key) in places and row.hot), "")
    vmm = places.get("vmm")
    if view.arrow and hot and vmm and layout.width > 500:
        # Outside the code, along the right margin: from the row to the VMM, or back.
        x1, y1 = layout.right + layout.right_width, places[hot][1]
        x2, y2 = x1 - 30, layout.actors
        out = x1 + 26
        if view.arrow == "in":
            path = f"M{x1:.1f} {y1:.1f}C{out:.1f} {y1:.1f} {out:.1f} {y2 - 8:.1f} {x2:.1f} {y2:.1f}"
            scene.path("control", path, "arrow vmm")
        else:
            path = f"M{x2:.1f} {y2:.1f}C{out:.1f} {y2 - 8:.1f} {out:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
            scene.path("control", path, "arrow good dotted")
    scene.circle("token", x, y, layout.size * 0.5, f"token {view.token}", tip=view.token_tip)
