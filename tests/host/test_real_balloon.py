"""A real guest's balloon driver, talking to the host through a port: its frames really go."""

from __future__ import annotations

import pytest
from ringside.guests import program
from ringside.host.balloon import BACK, TARGET, FrameMoved, FramePool, plug_balloon
from ringside.host.lending import MEMORY, Lending
from ringside.machine.loader import load_program
from ringside.trace.events import Event
from ringside.vmm.building import VmPlan, assemble_vmm
from ringside.vmm.registry import technique

RAM = 0x200  # the first page the guest's kernel gives out


class Pair(Lending):
    """Guests with balloons, and one pool of frames."""

    def __init__(self, *wants: int) -> None:
        super().__init__(wants)
        self.events: list[Event] = []

    def go(self, *targets: int, steps: int = 25_000) -> None:
        self.run(targets, steps)

    def nobody_owns_twice(self) -> bool:
        owners = [*(self.owned(n) for n in range(len(self.vms))), set(self.pool.free)]
        return sum(map(len, owners)) == len(set().union(*owners))


def test_the_driver_gives_frames_up_and_the_host_really_has_them() -> None:
    pair = Pair(20)
    before = pair.owned(0)
    pair.go(40)
    assert pair.balloons[0].held == 40 == len(pair.pool.free)
    assert pair.owned(0) == before - set(pair.pool.free)
    assert "balloon: 40 pages, program: 20" in pair.vmm.vms[0].console


def test_the_driver_takes_them_back_and_its_program_never_noticed() -> None:
    pair = Pair(20)
    pair.go(40)
    pair.go(0)
    assert pair.balloons[0].held == 0 and not pair.pool.free
    assert "balloon: 0 pages, program: 20" in pair.vmm.vms[0].console
    assert pair.vmm.outcome is None


def test_frames_of_one_guest_go_to_the_other_and_neither_sees_the_others_bytes() -> None:
    pair = Pair(20, 100)
    pair.go(0, 60, steps=50_000)
    given = set(pair.pool.free)
    pair.go(60, 0, steps=60_000)
    assert "program: 100" in pair.vmm.vms[1].console
    moved = pair.owned(1) - given
    assert pair.nobody_owns_twice()
    assert moved  # frames that were another guest's
    assert all("changed" not in vm.console for vm in pair.vmm.vms)
    assert pair.vmm.outcome is None


def test_a_program_gives_up_pages_when_nothing_is_free() -> None:
    pair = Pair(120)
    pair.go(0)
    pair.go(64)
    assert pair.balloons[0].held == 64
    assert "balloon: 64 pages, program: 64" in pair.vmm.vms[0].console


def test_a_frame_that_comes_back_is_zeroed() -> None:
    pair = Pair(10)
    vm, balloon = pair.vmm.vms[0], pair.balloons[0]
    vm.memory.write(RAM + 5 << 12, 0x5EC2E7, 4)
    balloon.write(TARGET, RAM + 5, 4)
    assert vm.memory.read(RAM + 5 << 12, 4) == 0xFFFF_FFFF  # nothing is there
    balloon.write(BACK, RAM + 5, 4)
    assert vm.memory.read(RAM + 5 << 12, 4) == 0


@pytest.mark.parametrize("page", [0x300, 0xFFFF_FFFF, 1 << 31])
def test_a_page_the_guest_does_not_have_is_refused(page: int) -> None:
    pair = Pair(10)
    balloon = pair.balloons[0]
    balloon.write(TARGET, page, 4)
    balloon.write(BACK, page, 4)
    assert balloon.refused == 2 and balloon.read(BACK, 4) == 0 and not pair.pool.free


def test_a_page_cannot_be_given_twice_nor_taken_back_unless_it_was_given() -> None:
    pair = Pair(10)
    balloon = pair.balloons[0]
    balloon.write(BACK, RAM, 4)
    assert balloon.read(BACK, 4) == 0
    for _ in range(2):
        balloon.write(TARGET, RAM, 4)
    assert len(pair.pool.free) == 1 and balloon.held == 1


def test_going_back_in_time_gives_the_frames_back() -> None:
    pair = Pair(20)
    pair.go(0, steps=15_000)
    picture, before = pair.vmm.freeze(), pair.owned(0)
    pair.go(32, steps=25_000)
    assert pair.owned(0) != before
    pair.vmm.thaw(picture)
    assert pair.owned(0) == before and not pair.pool.free and pair.balloons[0].held == 0
    assert pair.vmm.vms[0].memory.allotment.hfns == pair.vmm.vms[0].allotment.hfns


def test_every_frame_that_moves_is_told() -> None:
    pair = Pair(10)
    pair.vmm.listener = pair.events.append
    pair.go(20, steps=15_000)
    moved = [event for event in pair.events if isinstance(event, FrameMoved)]
    assert len(moved) == 20 and {event.hfn for event in moved} == set(pair.pool.free)


def test_a_vm_with_its_memory_in_one_piece_gets_no_balloon() -> None:
    pool = FramePool()
    plan = VmPlan("a", MEMORY, lambda machine: None, prepare=lambda vm: plug_balloon(vm, pool))
    with pytest.raises(ValueError, match="one piece"):
        assemble_vmm(technique("emulation"), [plan])


def test_without_a_host_the_driver_keeps_still() -> None:
    image = program("balloon")
    vmm = assemble_vmm(technique("trap-and-emulate"), [
        VmPlan("a", MEMORY, lambda machine: load_program(machine, image) and None)])
    vmm.run(30_000)
    assert vmm.outcome is None and vmm.vms[0].console == ""
