"""The virtual machine monitor: the loop that owns the processor and lends it to guests.

The loop is a row of phases, and each phase is a step one can stop at:

==========  ===========================================================================
guest       the guest's own instructions on the real processor, one a step; the step that
            ends with control in the VMM is ``VmmEntered``
handle      what the exit's handler does: ``Emulated``, ``Injected``, ``ShadowFilled``, …
emulate     the next instruction is interpreted because the guest cannot run directly; an
            emulator, under which it never can, goes through a stretch of them at once
inject      a virtual interrupt is delivered through the guest's IDT (``Injected``)
schedule    another VM gets the processor: a world switch (``Scheduled``)
idle        nobody can run: host time passes to the next event (``Woken``)
resume      IRET to the guest (``Resumed``)
==========  ===========================================================================

``run(n)`` is ``n`` times ``step()``. Host time is the real processor's clock; each exit adds
``exit_cost`` ticks of it, a modelled number, since the VMM's own instructions are Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from ringside.isa.faults import NotModelled
from ringside.machine.cpu import Cpu
from ringside.machine.machine import Machine
from ringside.machine.outcome import WAITING, Outcome, not_modelled
from ringside.trace.events import (
    Blocked,
    Event,
    Resumed,
    RingChanged,
    Scheduled,
    VmcsRead,
    VmcsWritten,
    VmEntered,
    VmExited,
    VmmEntered,
    Woken,
)
from ringside.trace.freeze import freeze, thaw
from ringside.vmm.clock import VmClock
from ringside.vmm.exits import Exit, Handler, merge_handlers
from ringside.vmm.monitor import Monitor
from ringside.vmm.scheduling import OneAfterAnother, Policy
from ringside.vmm.vm import Vm

Listener = Callable[[Event], None]
YIELDED = "the one before it gives way"
# What the processor tells of the VMM's own work besides what the VMM says itself.
OF_THE_PROCESSOR = frozenset({RingChanged, VmcsRead, VmcsWritten, VmEntered, VmExited})
LONGEST_LOG = 256  # entries of the log of who had the processor

GUEST, HANDLE, EMULATE, INJECT, SCHEDULE, IDLE, RESUME = (
    "guest", "handle", "emulate", "inject", "schedule", "idle", "resume",
)  # fmt: skip


class CpuTechnique(Protocol):
    """How guest instructions get executed; one object per VM."""

    @property
    def handlers(self) -> Mapping[str, Handler]: ...
    @property
    def obstacle(self) -> str:
        """Why the guest cannot go on on the real processor now, in a word; "" when it can."""

    @property
    def overhead(self) -> int:
        """Instructions retired so far in the guest's rings that stand for none of the guest's."""

    @property
    def interruptible(self) -> bool:
        """Whether the real processor is between two instructions of the guest's."""

    def places(self, addresses: frozenset[int]) -> frozenset[int]:
        """Where else code of the guest at linear ``addresses`` runs, now and from now on."""

    def heard(self, event: Event) -> Event | None:
        """What an event of the processor's is to the guest; None if it never happened to it."""

    def load(self) -> None:
        """World switch: make the processor's tables this VM's."""

    def enter_guest(self) -> None:
        """Leave the VMM for the guest."""

    def leave_guest(self) -> Exit:
        """The guest is stopped: say why, and bring the virtual CPU up to date."""

    def observe(self) -> None:
        """Bring the virtual CPU up to date without disturbing anything."""

    def settle(self) -> None:
        """The virtual CPU was changed by the VMM: adjust what was derived from it."""


class MemoryTechnique(Protocol):
    """How guest addresses get translated; one object per VM."""

    @property
    def handlers(self) -> Mapping[str, Handler]: ...
    def load(self) -> None:
        """World switch: make the processor's translation this VM's."""

    def receive_frames(self, frames: list[int]) -> None:
        """Page frames of the VMM's memory (host-physical) for tables of its own."""


class Guest:
    """A VM in the VMM's books: with its techniques, its clock, and its sleep.

    While the VM is halted, ``wake_at`` is the host time at which it has something to do, and
    ``due`` says that the VMM knows that this time has come.
    """

    __slots__ = ("clock", "cpu", "due", "handlers", "memory", "vm", "wake_at")
    transient: ClassVar[frozenset[str]] = frozenset({"handlers"})

    def __init__(
        self, vm: Vm, cpu: CpuTechnique, memory: MemoryTechnique, clock: VmClock
    ) -> None:
        self.vm = vm
        self.cpu = cpu
        self.memory = memory
        self.clock = clock
        self.handlers = merge_handlers((cpu.handlers, memory.handlers))
        self.wake_at: int | None = None
        self.due = False

    def fall_asleep(self, now: int) -> None:
        """The VM has halted."""
        self.wake_at = self.clock.wake_time(self.vm, now)
        self.due = False

    def alarm(self, now: int) -> int | None:
        """The host time at which the VMM must notice that this VM wakes; None if it need not."""
        if self.due or not self.vm.halted:
            return None
        return now if self.vm.vcpu.ready else self.wake_at

    def can_run(self, now: int) -> bool:
        """Whether the VM can use the processor now; notices that it wakes."""
        vm = self.vm
        if vm.outcome is not None:
            return False
        if vm.halted and not self.due:
            if self.wake_at is None:
                self.fall_asleep(now)
            alarm = self.alarm(now)
            self.due = alarm is not None and alarm <= now
            return self.due
        return True

    def wake(self) -> None:
        """The virtual CPU is about to take its interrupt."""
        self.wake_at = None
        self.due = False


class RealEvents:
    """What the real processor tells while guests run; of the VMM's own work only changes of ring
    and mode and what it does to a VMCS, for the VMM says in its own events what it does."""

    __slots__ = ("every_instruction", "listener", "vmm")

    def __init__(self, vmm: Vmm, listener: Listener) -> None:
        self.vmm = vmm
        self.listener = listener
        self.every_instruction = getattr(listener, "every_instruction", True)

    def __call__(self, event: Event) -> None:
        if self.vmm.phase == GUEST:
            heard = self.vmm.guests[self.vmm.current].cpu.heard(event)
            if heard is not None:
                self.listener(heard)
        elif type(event) in OF_THE_PROCESSOR:
            self.listener(event)


class Vmm:
    """All of it: the machine, the monitor in its ring 0, and the guests that share it."""

    __slots__ = (
        "_began", "_breakpoints", "_last_picture", "_listener", "_phases", "_steps", "current",
        "exit", "exit_cost", "guests", "idle", "loaded", "log", "machine", "monitor", "phase",
        "policy", "switches", "why",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset(
        {"_began", "_breakpoints", "_last_picture", "_listener", "_phases", "machine"}
    )

    def __init__(
        self,
        machine: Machine,
        monitor: Monitor,
        guests: Sequence[Guest],
        *,
        policy: Policy | None = None,
        exit_cost: int = 1,
    ) -> None:
        if not guests:
            raise ValueError("a VMM without a virtual machine has nothing to do")
        self.machine = machine
        self.monitor = monitor
        self.guests = list(guests)
        self.policy: Policy = policy or OneAfterAnother()
        self.exit_cost = exit_cost
        self._steps = 0
        self._breakpoints: frozenset[int] = frozenset()
        self._began: int | None = None  # the processor's steps when a guest's stretch began
        self.switches = 0
        self.idle = 0  # host ticks that nobody used
        self.current = 0
        self.why = ""
        self.loaded = -1  # whose tables the processor has
        self.log: list[tuple[int, int]] = []  # (host time, VM that got the processor; -1: nobody)
        self.exit: Exit | None = None
        self._listener: Listener | None = None
        self._last_picture: Any = None
        self._phases: dict[str, Callable[[int], None]] = {
            GUEST: self._guest,
            HANDLE: self._handle,
            EMULATE: self._emulate,
            INJECT: self._inject,
            SCHEDULE: self._schedule,
            IDLE: self._idle,
            RESUME: self._resume,
        }
        for guest in self.guests:
            guest.cpu.settle()
        self.current, self.why = self.policy.choose(self._ready(), None, self.time)
        self._load()
        self.phase = RESUME
        self._decide()

    # -- read-outs ---------------------------------------------------------------------------

    @property
    def vms(self) -> list[Vm]:
        """The virtual machines, in the order they were given."""
        return [guest.vm for guest in self.guests]

    @property
    def vm(self) -> Vm:
        """The VM that has the processor."""
        return self.guests[self.current].vm

    @property
    def cpu(self) -> Cpu:
        """The real processor."""
        return self.machine.cpu

    @property
    def time(self) -> int:
        """Host time in ticks."""
        return self.machine.cpu.time

    @property
    def steps(self) -> int:
        """Steps taken; within a listener, those completed before the one that is happening."""
        if self._began is None:
            return self._steps + self.vm.under_way
        return self._steps + self._guest_time - self._began

    @property
    def _guest_time(self) -> int:
        """The processor's steps, without those that are not the current guest's own."""
        return self.machine.cpu.steps - self.guests[self.current].cpu.overhead

    @property
    def pc(self) -> int:
        """Linear address of the next instruction: the guest's as it believes, or the VMM's."""
        if self.phase in (GUEST, EMULATE):
            return self.vm.vcpu.linear_eip
        return self.machine.cpu.linear_eip

    @property
    def breakpoints(self) -> frozenset[int]:
        """Linear addresses ``run`` stops before, once it has taken a step: the guest's."""
        return self._breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: frozenset[int]) -> None:
        self._breakpoints = addresses
        places = (guest.cpu.places(addresses) for guest in self.guests)
        self.machine.breakpoints = addresses.union(*places)

    @property
    def in_guest(self) -> bool:
        """Whether a guest has the real processor now (else the VMM does)."""
        return self.phase == GUEST

    @property
    def outcome(self) -> Outcome | None:
        """How it all ended: None while any VM can go on by itself."""
        outcomes = []
        for guest in self.guests:
            outcome = guest.vm.hardware.outcome
            if outcome is None:
                return None
            outcomes.append(outcome)
        return WAITING if WAITING in outcomes else outcomes[0]

    # -- going forwards ----------------------------------------------------------------------

    def step(self) -> None:
        """Take one step; none when everything has ended or only waits."""
        self.run(1)

    def run(self, limit: int) -> str:
        """Take up to ``limit`` steps and say why it stopped.

        ``"limit"``, ``"breakpoint"`` (a guest is at one of ``breakpoints``), or the kind of the
        outcome that ended it.
        """
        start = self.steps
        end = start + limit
        while self.outcome is None:
            left = end - self.steps
            if left <= 0:
                self._observe()
                return "limit"
            try:
                self._phases[self.phase](left)
            except NotModelled as missing:
                self._give_up(not_modelled(str(missing)))
                self._steps += 1
            if self._breakpoints and self._at_breakpoint and self.steps != start:
                self._observe()
                return "breakpoint"
        self._observe()
        outcome = self.outcome
        assert outcome is not None
        return outcome.kind

    @property
    def _at_breakpoint(self) -> bool:
        """Whether the guest's next instruction, in hardware or in software, lies at one."""
        guest = self.guests[self.current]
        if self.phase == GUEST:
            if not guest.cpu.interruptible:
                return False
            guest.cpu.observe()
        elif self.phase != EMULATE:
            return False
        return guest.vm.vcpu.linear_eip in self._breakpoints

    def _observe(self) -> None:
        if self.phase == GUEST:
            self.guests[self.current].cpu.observe()

    def _guest(self, left: int) -> None:
        guest = self.guests[self.current]
        cpu = self.machine.cpu
        room = self._undisturbed(guest)
        if room <= 0:
            if guest.cpu.interruptible:
                self.monitor.raise_timer()
            room = 1
        time, overhead, deliveries = cpu.time, guest.cpu.overhead, cpu.deliveries
        self._began = began = self._guest_time
        try:
            reason = self.machine.run(min(left, room))
        finally:
            self._began = None
        overhead = guest.cpu.overhead - overhead
        guest.clock.ran(guest.vm, cpu.time - time - overhead, cpu.time)
        # What was delivered to the guest by hardware alone retired nothing, and still took the
        # processor: without this a guest that only faults would keep it for ever.
        own = reason in ("entry", "not-modelled")  # the last step was the VMM's
        cpu.sleep(max(0, cpu.deliveries - deliveries - own))
        self._steps += self._guest_time - began
        if reason == "entry":
            self._steps -= 1  # the step of the trap is not complete before the VMM has heard of it
            self.monitor.lower_timer()
            self._entered(guest)
            self._steps += 1
        elif reason == "not-modelled":
            self._take_back(guest)
        elif reason not in ("limit", "breakpoint"):
            raise RuntimeError(f"the host's processor stopped while a guest ran: {reason}")

    def _take_back(self, guest: Guest) -> None:
        """The guest ran into something that is not modelled: only this VM ends."""
        outcome, self.machine.outcome = self.machine.outcome, None
        assert outcome is not None
        self.machine.cpu.deliveries -= 1  # the step that ended it: counted below, for this VM
        guest.cpu.observe()
        self.monitor.raise_timer()
        self.machine.run(1)  # the timer's interrupt brings the processor back to the VMM
        self.monitor.lower_timer()
        self._give_up(outcome)

    def _give_up(self, outcome: Outcome) -> None:
        """End the VM that has the processor; its last step counts, as on bare metal."""
        self.vm.hardware.outcome = outcome
        self.vm.vcpu.deliveries += 1
        self.exit = None
        self._decide()

    def _entered(self, guest: Guest) -> None:
        vm = guest.vm
        exit = self.exit = guest.cpu.leave_guest()
        vm.exits[exit.reason] = vm.exits.get(exit.reason, 0) + 1
        if self._listener is not None:
            self._listener(VmmEntered(
                self.time, "vmm", vm.name, exit.reason, exit.vector, exit.error, exit.eip,
                exit.ring,
            ))  # fmt: skip
        self._charge(guest)
        self.phase = HANDLE

    def _charge(self, guest: Guest) -> None:
        """Let host time pass for the VMM's own work."""
        self.machine.cpu.sleep(self.exit_cost)

    def _handle(self, left: int) -> None:
        guest, exit = self.guests[self.current], self.exit
        assert exit is not None
        handler = guest.handlers.get(exit.reason)
        if handler is None:
            raise RuntimeError(f"no technique of {guest.vm.name} handles the exit {exit.reason!r}")
        guest.clock.set(guest.vm, self.time)
        handler(exit)
        self.exit = None
        self._done(guest)

    def _emulate(self, left: int) -> None:
        guest = self.guests[self.current]
        guest.clock.set(guest.vm, self.time)
        room = max(1, self._undisturbed(guest, own=False))
        steps, ticks = guest.vm.interpret(
            min(left, room), self.exit_cost, guest.cpu.obstacle)
        self.machine.cpu.sleep(ticks)
        self._steps += steps - 1
        self._done(guest)

    def _inject(self, left: int) -> None:
        guest = self.guests[self.current]
        guest.clock.set(guest.vm, self.time)
        guest.wake()
        guest.vm.inject()
        self._done(guest)

    def _done(self, guest: Guest) -> None:
        """The VMM has changed the virtual CPU: settle, note a halt, decide what comes next."""
        vm = guest.vm
        if vm.outcome is None:
            guest.cpu.settle()
            if vm.halted and guest.wake_at is None:
                guest.fall_asleep(self.time)
                vm.emit(Blocked(self.time, "vmm", vm.name, vm.vcpu.eip))
        elif vm.outcome is WAITING:
            vm.emit(Blocked(self.time, "vmm", vm.name, vm.vcpu.eip))
        self._steps += 1
        self._decide()

    def _ready(self) -> list[int]:
        """The VMs that can use the processor now."""
        now = self.time
        return [number for number, guest in enumerate(self.guests) if guest.can_run(now)]

    def _decide(self) -> None:
        """Choose the next phase."""
        ready = self._ready()
        if not ready:
            self.phase = IDLE
            return
        others = [number for number in ready if number != self.current]
        yields, self.vm.yields = self.vm.yields and bool(others), False
        chosen, why = self.policy.choose(
            others if yields else ready, self.current, self.time
        )
        if chosen != self.current:
            why = YIELDED if yields else why
            self.why = why
            self.current = chosen
        guest = self.guests[chosen]
        if self.loaded != chosen:
            self.phase = SCHEDULE
        elif guest.vm.halted or self._wants_interrupt(guest):
            self.phase = INJECT
        elif guest.cpu.obstacle:
            self.phase = EMULATE
        else:
            self.phase = RESUME

    def _wants_interrupt(self, guest: Guest) -> bool:
        guest.clock.set(guest.vm, self.time)
        return guest.vm.poll()

    def _schedule(self, left: int) -> None:
        before = self.guests[self.loaded].vm.name
        self._load()
        self.switches += 1
        if self._listener is not None:
            self._listener(Scheduled(self.time, "host", self.vm.name, before, self.why))
        self._steps += 1
        self._decide()

    def _load(self) -> None:
        guest = self.guests[self.current]
        guest.memory.load()
        guest.cpu.load()
        self.loaded = self.current
        self._note(self.current)

    def _note(self, who: int) -> None:
        """Write down who has the processor from now on; only the latest entries are kept."""
        self.log.append((self.time, who))
        del self.log[:-LONGEST_LOG]

    def _idle(self, left: int) -> None:
        alarms = [guest.alarm(self.time) for guest in self.guests if guest.vm.outcome is None]
        wakes = [alarm for alarm in alarms if alarm is not None]
        ticks = max(0, min(wakes) - self.time) if wakes else 0
        self._note(-1)
        self.machine.cpu.sleep(ticks)
        self._note(self.loaded)
        self.idle += ticks
        if self._listener is not None:
            self._listener(Woken(self.time, "host", ticks))
        self._steps += 1
        self._decide()

    def _resume(self, left: int) -> None:
        guest = self.guests[self.current]
        guest.cpu.enter_guest()
        if guest.vm.outcome is not None:  # the processor refused (hardware assist)
            self._decide()
        elif self.machine.cpu.at_monitor:  # it came back at once (hardware assist)
            self._entered(guest)
        else:
            if self._listener is not None:
                vcpu = guest.vm.vcpu
                self._listener(Resumed(
                    self.time, "vmm", guest.vm.name, vcpu.eip, self.machine.cpu.cpl
                ))  # fmt: skip
            self.phase = GUEST
        self._steps += 1

    def _undisturbed(self, guest: Guest, own: bool = True) -> int:
        """How many ticks the guest may run before the VMM must look after something.
        Not ``own``: an emulator looks after the guest's own devices by itself."""
        now = self.time
        limits = [guest.clock.next_event(guest.vm, now)] if own else []
        for number, other in enumerate(self.guests):
            if number == self.current or other.vm.outcome is not None:
                continue
            asleep = other.vm.halted and not other.due
            limits.append(other.alarm(now) if asleep else self.policy.until(now))
        ends = [limit for limit in limits if limit is not None]
        return min(ends) - now if ends else 1 << 40

    # -- people ------------------------------------------------------------------------------

    def type_text(self, text: str, device: str = "serial", vm: str | None = None) -> None:
        """Type at a VM's terminal or keyboard; by default the first one's."""
        for guest in self.guests:
            if vm in (None, guest.vm.name):
                guest.vm.hardware.type_text(text, device)
                if self.phase == IDLE:
                    self._decide()
                return
        names = ", ".join(guest.vm.name for guest in self.guests)
        raise ValueError(f"there is no virtual machine {vm!r}; choose one of: {names}")

    @property
    def listener(self) -> Listener | None:
        """Who hears what happens; None is fastest."""
        return self._listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._listener = listener
        self.machine.listener = None if listener is None else RealEvents(self, listener)
        for guest in self.guests:
            guest.vm.listen(listener)

    # -- other moments -----------------------------------------------------------------------

    def freeze(self) -> Any:
        """A picture of everything; what did not change is shared with the last one."""
        for guest in self.guests:
            guest.vm.vcpu.materialise_flags()
        before = self._last_picture or (None, None)
        self._last_picture = (self.machine.freeze(), freeze(self, before[1]))
        return self._last_picture

    def thaw(self, picture: Any) -> None:
        """Go back, or forwards, to the moment of ``picture``."""
        machine, rest = picture
        changed = self.machine.thaw(machine)
        thaw(self, rest)
        for guest in self.guests:
            guest.vm.memory_replaced(changed)
        self._last_picture = picture
