"""What is measured: each technique of the registry, on each instruction set it can be shown on."""

from __future__ import annotations

from dataclasses import dataclass

from ringside import guests
from ringside.guests.porting import PORTED
from ringside.host.systems import BARE_METAL, DEFINES, Image, Options, System, build, memory_on
from ringside.trace.presets import PRESETS, Preset
from ringside.vmm.registry import IA32, TECHNIQUES

PROCESSOR: Preset = PRESETS[0]  # what is measured is measured on this one, and paid at its prices
MEMORY = 4 << 20  # of a guest; the hostile ones know that theirs ends there
HOSTILE: tuple[str, ...] = tuple(guest.id for guest in guests.HOSTILE)
NEIGHBOUR = guests.NEIGHBOUR.id


class CannotRun(ValueError):
    """This guest does not run under this technique; the text names those that do."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A technique on an instruction set."""

    technique: str
    isa: str = IA32

    @property
    def id(self) -> str:
        """The technique's id, with the instruction set's where that is not plain IA-32."""
        return self.technique if self.isa == IA32 else f"{self.technique}/{self.isa}"

    @property
    def memory(self) -> str:
        """The memory technique: what the processor has whose prices are paid."""
        return memory_on(self.technique, PROCESSOR.ept)

    @property
    def ported(self) -> bool:
        """Whether its guests are changed beforehand."""
        return bool(DEFINES[self.technique])

    def image(self, guest: str) -> Image:
        """A guest for it; raises :class:`CannotRun`."""
        runs = (*PORTED, *(entry.id for entry in guests.PARAVIRTUAL), *HOSTILE, NEIGHBOUR)
        if self.ported and guest not in runs:
            raise CannotRun(
                f"{guest} is not ported, so it does not run under {self.technique}; choose one "
                f"of: {', '.join(runs)}")
        try:
            program = guests.program(guest, DEFINES[self.technique])
        except KeyError:
            known = ", ".join(
                entry.id for entry in (*guests.SHELF, *guests.HOSTILE, *guests.NANO))
            raise CannotRun(
                f"there is no guest {guest!r} here (a file can be given to 'ringside compare'); "
                f"choose one of: {known}") from None
        return Image(program, guest, MEMORY, disk=guests.disk(guest))

    def build(self, *names: str, options: Options | None = None) -> System:
        """A system with these guests, each in a virtual machine of its own."""
        chosen = options or Options()
        chosen = Options(policy=chosen.policy, isa=self.isa, memory=self.memory)
        return build(self.technique, [self.image(name) for name in names], chosen)


SUBJECTS: tuple[Subject, ...] = tuple(
    Subject(technique.id, isa) for technique in TECHNIQUES for isa in technique.isas
)


def subject(id: str) -> Subject:
    """The subject with this id; ``ValueError`` naming those there are."""
    for each in SUBJECTS:
        if each.id == id:
            return each
    raise ValueError(
        f"there is no technique {id!r}; choose one of: {', '.join(each.id for each in SUBJECTS)}")


def bare(guest: str) -> System:
    """The guest as it is, alone on the machine."""
    program = guests.program(guest)
    return build(BARE_METAL, Image(program, guest, MEMORY, disk=guests.disk(guest)))
