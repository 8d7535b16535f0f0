"""Finding what ``ringside run`` is asked to run, and starting it without pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..host.systems import (
    BARE_METAL,
    DEFINES,
    ISAS,
    MEMORIES,
    Image,
    Options,
    build,
    memory_on,
)
from ..isa.assembler import AssemblyError, Program, assemble
from ..isa.faults import NotModelled
from ..machine.loader import ImageError
from ..machine.multiboot import ELF_MAGIC, find_header
from ..trace.presets import PRESETS, Preset, preset
from ..vmm.registry import IA32, NESTED, UNTAGGED
from . import LABS
from .guest_batch import GuestBatch
from .lab import Batch, InputError
from .lanes import Way
from .sniff import mistaken
from .unknown import unknown

MEMORY = 16 << 20
CACHES = {"none": (0, 0), "walk": (32, 0), "nested": (0, 64), "both": (32, 64)}
"""``--option caches=…``: entries of the processor's walk cache and of its nested TLB."""


class BatchError(Exception):
    """The run cannot start; the text says why and what to do."""


class Unknown(BatchError):
    """There is neither a file nor a lab nor a guest of this name."""


def open_batch(
    what: str, *, technique: str | None = None, guest: str | None = None,
    options: Mapping[str, str] | None = None, disk: bytes | None = None,
    processor: Preset | None = None,
) -> Batch:
    """Find ``what`` (a lab, a guest of the shelf, or a file) and load it.

    ``processor`` is the one whose prices are paid. Raises :class:`BatchError`.
    """
    chosen = options or {}
    lab = next((lab for lab in LABS if lab.id == what), None)
    try:
        if lab is not None and lab.batch is not None:
            if processor is not None:
                raise BatchError(f"{what} has no use for --preset and --price; leave them out")
            return lab.batch(lab.setup(guest, technique, chosen, None), chosen)
        return _one_guest(what, technique or BARE_METAL, guest, chosen, disk, processor)
    except InputError as error:
        raise BatchError(f"{what}: {error.message} {error.hint}".strip()) from None


def _one_guest(
    what: str, technique: str, guest: str | None, chosen: Mapping[str, str], disk: bytes | None,
    processor: Preset | None,
) -> GuestBatch:
    technique, chosen = _plain_technique(technique, chosen)
    name, program, disk = find(what, guest, disk, DEFINES[technique])
    # A guest by itself takes the options of the lab in which any guest can be run, every memory
    # technique there is, and a processor's walk cache and nested TLB.
    memory = chosen.get("memory", "")
    caches = chosen.get("caches", "none")
    if caches not in CACHES:
        raise BatchError(f"there is no caches={caches}; choose one of: {', '.join(CACHES)}")
    chosen = {name: value for name, value in chosen.items() if name not in ("memory", "caches")}
    lab = next((lab for lab in LABS if lab.id == what), None) or next(
        lab for lab in LABS if lab.editable)
    settled = lab.setup(None, None, chosen, None).options
    isa = settled.get("isa", IA32)
    paid = processor or preset(settled.get("preset", PRESETS[0].id))
    memories = MEMORIES.get(technique, ())
    if memory and memory not in memories:
        raise BatchError(
            f"{technique} does not go with the memory technique {memory}; "
            + (f"choose one of: {', '.join(memories)}" if memories else "leave it out"))
    if isa not in ISAS.get(technique, (IA32,)):
        raise BatchError(
            f"{technique} runs on the instruction set {IA32} only; leave out --option isa={isa}")
    try:
        memory = memory or memory_on(technique, paid.ept)
        if CACHES[caches][1] and (memory or "".join(memories[:1])) not in (NESTED, UNTAGGED):
            raise BatchError(
                f"caches={caches} has a nested TLB, which only nested paging uses: choose "
                "--cpu hardware-assist --option memory=nested, or caches=walk")
        image = Image(program, name, MEMORY, disk=disk)
        system = build(technique, image, Options(
            isa=isa, memory=memory, walk_cache=CACHES[caches][0], nested_tlb=CACHES[caches][1]))
    except (ImageError, NotModelled) as error:
        raise BatchError(f"{what}: {error}") from None
    return GuestBatch(system, technique, name, memory, paid)


def _plain_technique(
    named: str, chosen: Mapping[str, str]
) -> tuple[str, Mapping[str, str]]:
    """A technique, and the options its variant stands for; named as in a comparison."""
    try:
        way = Way.of(named)
    except ValueError as error:
        raise BatchError(str(error)) from None
    asked = {} if named == way.technique else (
        {"memory": way.memory} if way.memory else {"isa": way.isa})
    for name, value in asked.items():
        if chosen.get(name, value) != value:
            raise BatchError(f"{named} is {name}={value}, and --option says {name}={chosen[name]}")
    return way.technique, {**chosen, **asked}


def find(
    what: str, guest: str | None, disk: bytes | None, defines: dict[str, int]
) -> tuple[str, Program | bytes, bytes | None]:
    """Name, image and disk of a lab's guest, a guest of the shelf or a file.

    Raises :class:`BatchError` if it is none of them.
    """
    from .. import guests

    shelf = {entry.id for entry in (
        *guests.SHELF, *guests.PARAVIRTUAL, *guests.HOSTILE, *guests.NANO, guests.PAGE_TABLES,
        guests.LINKED_LIST)}
    for lab in LABS:
        if lab.id == what and lab.source is not None and (guest or what not in shelf):
            name = guest or lab.guests[0].id
            known = [choice.id for choice in lab.guests]
            if name not in known:
                raise BatchError(
                    f"the lab {what} has no guest {name!r}; choose one of: {', '.join(known)}")
            return name, guests.program(name, defines), disk or guests.disk(name)
    if guest is not None:
        raise BatchError(
            f"--guest chooses one of a lab's guests, and {what!r} is no lab with guests to choose; "
            "leave it out")
    if what in shelf:
        return what, guests.program(what, defines), disk or guests.disk(what)
    path = Path(what)
    if not path.exists() and any(lab.id == what for lab in LABS):
        raise BatchError(
            f"the lab {what} is a picture of its own, not one guest to run; see it with "
            f"'ringside figure {what} -o {what}.svg', or start 'ringside'")
    if not path.exists():
        labs = [lab.id for lab in LABS if lab.source is not None or lab.batch is not None]
        raise Unknown(unknown(
            f"{what!r} is neither a file nor a lab or guest to run", what,
            {"labs": labs, "guests": sorted(shelf)}))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BatchError(f"cannot read {what}: {error.strerror}") from None
    if path.suffix.lower() == ".elf" and content[:4] != ELF_MAGIC and find_header(content) is None:
        raise BatchError(
            f"{what} is not an ELF file, whatever its name says. Link it as ELF32 with a multiboot "
            "header (ld -m elf_i386); name it .bin if it is bare machine code, .asm if it is "
            "source")
    if path.suffix not in (".asm", ".s"):
        kind = mistaken(content)
        if kind:
            raise BatchError(
                f"{what} is {kind}, not machine code. Give assembler source named .asm, a "
                "multiboot ELF, or a flat image such as 'ringside asm FILE.asm -o FILE.bin' writes")
        return path.name, content, disk
    try:
        return path.name, assemble_file(what, content, defines), disk
    except AssemblyError as error:
        first = error.problems[0]
        raise BatchError(
            f"{first.file}:{first.line}:{first.column}: {first.message} "
            f"({len(error.problems)} problem(s); see 'ringside asm {what}')") from None


def assemble_file(
    name: str, content: bytes, defines: dict[str, int] | None = None
) -> Program:
    """Assemble a source file; its includes lie beside it or in the guests' folder."""
    from ..guests import include as shelf_include

    folder = Path(name).resolve().parent

    def include(wanted: str) -> str:
        beside = (folder / wanted).resolve()
        if beside.parent == folder and beside.is_file():
            return beside.read_text(encoding="utf-8")
        return shelf_include(wanted)

    loader: Callable[[str], str] = include
    text = content.decode("utf-8", errors="replace")
    return assemble(text, name=Path(name).name, include=loader, defines=defines)
