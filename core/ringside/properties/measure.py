"""All three properties of one technique with one guest, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ringside.properties.control import Attack, attack
from ringside.properties.efficiency import Efficiency, efficiency
from ringside.properties.equivalence import Equivalence, equivalence
from ringside.properties.subjects import HOSTILE, subject
from ringside.vmm.lockstep import CLOSELY


@dataclass(frozen=True, slots=True)
class Properties:
    """What was measured. Resource control is held against every hostile guest, or against
    ``guest`` alone if that is one of them."""

    technique: str
    guest: str
    equivalence: Equivalence
    control: tuple[Attack, ...]
    efficiency: Efficiency

    @property
    def in_control(self) -> bool:
        """Whether no hostile guest did harm."""
        return all(each.holds for each in self.control)

    def as_dict(self) -> dict[str, Any]:
        """As plain data, the derived figures included."""
        found = asdict(self)
        found["in_control"] = self.in_control
        for each, attacked in zip(found["control"], self.control, strict=True):
            each["holds"] = attacked.holds
        found["efficiency"] |= {
            "share": round(self.efficiency.share, 4),
            "slowdown": round(self.efficiency.slowdown, 2),
            "slowdown_without_devices": round(self.efficiency.slowdown_without_devices, 2)}
        return found


def measure(technique: str, guest: str = "popf", closely: int = CLOSELY) -> Properties:
    """Measure, equivalence after each of the first ``closely`` guest steps and then by stretches.

    Raises ValueError naming the techniques or guests there are to choose from.
    """
    chosen = subject(technique)
    crimes = (guest,) if guest in HOSTILE else HOSTILE
    return Properties(
        chosen.id, guest, equivalence(chosen, guest, closely),
        tuple(attack(chosen, crime) for crime in crimes), efficiency(chosen, guest))
