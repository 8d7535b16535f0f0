"""The pool as a whole: books, contents, and what each mechanism is good for."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from ringside.host.memory import events as ev
from ringside.host.memory.pool import Pool, Settings
from ringside.host.memory.scenarios import SCENARIOS
from ringside.host.memory.tally import Tally
from ringside.host.memory.vm import Prices
from ringside.host.memory.workloads import FILE, IMAGE, MEMORY, ZERO, Area, Phase, Plan

SWITCHES = ("balloon", "sharing", "swapping")
FREE = Prices(read=0, write=0, copy=0)


def settings_for(scenario: str, overcommit: float = 1.5, **switches: bool) -> Settings:
    return SCENARIOS[scenario]().settings(overcommit, **switches)


@cache
def finished(scenario: str, overcommit: float, off: tuple[str, ...] = ()) -> tuple[Pool, Tally]:
    pool = Pool(SCENARIOS[scenario]().plans, settings_for(
        scenario, overcommit, **dict.fromkeys(off, False)))
    tally = Tally()
    for happening in pool.run():
        tally.add(happening)
    return pool, tally


def total(tally: Tally, kind: str) -> int:
    return sum(count for (_, name), count in tally.counts.items() if name == kind)


@pytest.mark.parametrize("off", [(), ("balloon",), ("sharing",), ("swapping",), SWITCHES])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_books_are_right_after_everything_that_happens(
    scenario: str, off: tuple[str, ...]
) -> None:
    plans = SCENARIOS[scenario]().plans
    pool = Pool(plans, settings_for(scenario, 2, **dict.fromkeys(off, False)))
    for happening in pool.run():
        assert happening
        assert pool.host.faults() == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_pool_always_does_the_same(scenario: str) -> None:
    def story() -> list[list[object]]:
        return [list(events) for events in Pool(
            SCENARIOS[scenario]().plans, settings_for(scenario)).run()]

    assert story() == story()


@pytest.mark.parametrize("off", [(), ("balloon",), ("sharing",)])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_guests_have_the_same_contents_as_on_a_host_with_room_for_all(
    scenario: str, off: tuple[str, ...]
) -> None:
    plans = SCENARIOS[scenario]().plans
    tight = replace(settings_for(scenario, 1.6, **dict.fromkeys(off, False)),
                    prices=FREE, budget=1 << 20)
    roomy = replace(tight, frames=5000, balloon=False, sharing=False, swapping=False)
    pools = [Pool(plans, tight), Pool(plans, roomy)]
    work = []
    for pool in pools:
        tally = Tally()
        for happening in pool.run():
            tally.add(happening)
        work.append([tally.counts[vm.name, "work"] for vm in pool.vms])
    one, other = pools
    for mine, theirs, done, wanted in zip(one.vms, other.vms, *work, strict=True):
        if done != wanted:  # it had to wait: it has not come as far
            continue
        for thing in range(len(mine.guest.seeds)):
            assert mine.contents_of(thing) == theirs.contents_of(thing)
    assert any(done == wanted for done, wanted in zip(*work, strict=True))


def test_memory_moves_to_the_vm_that_needs_it_and_back() -> None:
    pool = Pool(SCENARIOS["turns"]().plans, settings_for("turns"))
    charges: dict[int, list[float]] = {}
    for _ in pool.run():
        charges[pool.round] = [pool.host.charge(vm.space) for vm in pool.vms]
    first, then, last = charges[14], charges[29], charges[45]
    assert first[0] > 130 and first[1] < 60
    assert then[0] < first[0] - 50 and then[1] > first[1] + 80
    assert last[0] > then[0] + 40 and last[1] < then[1] - 30


def test_ballooning_spares_waits_for_the_hosts_disk() -> None:
    with_it, without = finished("turns", 1.5)[1], finished("turns", 1.5, ("balloon",))[1]
    assert total(with_it, "swapin") * 2 < total(without, "swapin")


def test_the_host_writes_nothing_to_its_disk_when_it_may_not() -> None:
    tally = finished("turns", 1.5, ("swapping",))[1]
    assert total(tally, "swapout") == total(tally, "swapin") == total(tally, "double") == 0


def test_without_any_means_vms_wait_for_ever() -> None:
    pool, tally = finished("turns", 2, SWITCHES)
    assert total(tally, "stall") > 20 and pool.host.free < 6


def test_a_host_with_room_for_all_reclaims_nothing() -> None:
    tally = finished("turns", 1)[1]
    assert not any(total(tally, kind) for kind in ("inflate", "swapout", "stall", "level"))


def test_like_vms_share_much_of_their_memory() -> None:
    pool = finished("like", 1)[0]
    assert pool.host.saved > 0.35 * sum(len(vm) for vm in pool.vms)
    assert finished("like", 1, ("sharing",))[0].host.saved == 0


def test_the_tax_takes_idle_memory_for_the_busy_vm() -> None:
    scenario = SCENARIOS["idle"]()
    held = []
    for tax in (0.0, 0.75):
        pool = Pool(scenario.plans, scenario.settings(1.6, taxes=((0, tax),), sharing=False))
        for _ in pool.run():
            pass
        held.append([pool.host.charge(vm.space) for vm in pool.vms])
    assert held[1][0] < held[0][0] - 40 and held[1][1] > held[0][1] + 40


def test_double_paging_happens_when_a_guest_pages_out_what_the_host_had_paged_out() -> None:
    assert total(finished("turns", 2)[1], "double") > 5


def test_counters_are_the_sums_of_events_and_agree_with_the_books() -> None:
    pool, tally = finished("turns", 1.5)
    for vm in pool.vms:
        counts = tally.of(vm.name)
        given = counts["frames given"] + counts["copied"] + counts["read back"]
        assert given > 0
        assert counts["double paged"] <= counts["read back"]
        assert counts["swapped out"] - counts["read back"] >= 0
        grown = tally.counts.get((vm.name, "inflate"), 0)
        shrunk = tally.counts.get((vm.name, "deflate"), 0)
        assert vm.balloon == grown - shrunk


def test_a_balloon_takes_free_pages_before_it_makes_the_guest_page() -> None:
    plan = Plan("a", 100, (Area(IMAGE, 20), Area(FILE, 20)), (Phase(5, "loop", 0, 40, 40),),
                kernel=4, ballooned=40)
    pool = Pool((plan,), Settings(frames=200, balloon=False, rounds=1, budget=10_000))
    grown = next(event for happening in pool.run() for event in happening
                 if isinstance(event, ev.Inflated))
    assert grown.free == grown.count and grown.dropped == grown.written == 0


def test_the_balloon_takes_the_oldest_pages_when_none_is_free() -> None:
    plan = Plan("a", 64, (Area(MEMORY, 60),),
                (Phase(3, "loop", 0, 60, 60, writes=1), Phase(3, "loop", 0, 20, 40)), kernel=4)
    pool = Pool((plan,), Settings(frames=200, balloon=False, rounds=6, budget=10_000))
    for _ in pool.run():
        pass
    vm = pool.vms[0]
    vm.balloon_target = 30
    grown = vm.poll(0, 30)[0]
    assert isinstance(grown, ev.Inflated) and grown.written == 30
    assert (vm.guest.where[:20] >= 0).all()  # what is in use stays


def test_an_impossible_promise_is_refused() -> None:
    plan = Plan("a", 100, (Area(ZERO, 10),), (Phase(1, "loop", 0, 10, 10),), least=90)
    with pytest.raises(ValueError, match="promised"):
        Pool((plan, replace(plan, name="b")), Settings(frames=120))
