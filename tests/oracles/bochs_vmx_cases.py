"""The cases of the VMX oracle, and where the manual decides against Bochs."""

from __future__ import annotations

from dataclasses import dataclass

from bochs_vmx_case import VmxCase


@dataclass(frozen=True, slots=True)
class Manual:
    """Where Bochs is not what the manual says: what is right, and why."""

    reports: tuple[str, ...]
    why: str


CASES = [
    VmxCase("vmcall", "mov eax, 5"),
    VmxCase("cpuid", "nop\ncpuid"),
    VmxCase("hlt exiting", "hlt", "set 0x4002, 0x80"),
    VmxCase("vmlaunch launched", "nop", "", "cmp eax, 1\nja .stop\nmov eax, 1\nadd dword [esp+4+28], 3\nclc\nret"),
    VmxCase("vmread bad field", root="mov ecx, 0x6C18\nvmread eax, ecx"),
]
MANUAL: dict[str, Manual] = {}
