"""The interrupt controllers, against the 8259A data sheet."""

from __future__ import annotations

from ringside.machine.devices.pic import Pic

MASTER, MASTER_DATA, SLAVE, SLAVE_DATA = 0x20, 0x21, 0xA0, 0xA1


def write(pic: Pic, *pairs: tuple[int, int]) -> None:
    for port, value in pairs:
        pic.write(port, value, 1)


def ready_pic(icw4: int = 1) -> Pic:
    """Both chips initialised at vectors 20h and 28h, nothing masked."""
    pic = Pic()
    write(
        pic,
        (MASTER, 0x11), (MASTER_DATA, 0x20), (MASTER_DATA, 4), (MASTER_DATA, icw4),
        (SLAVE, 0x11), (SLAVE_DATA, 0x28), (SLAVE_DATA, 2), (SLAVE_DATA, icw4),
    )  # fmt: skip
    return pic


def test_after_power_on_nothing_reaches_the_processor() -> None:
    pic = Pic()
    for irq in range(16):
        pic.raise_line(irq)
    assert not pic.requests


def test_the_initialisation_words_set_the_vectors() -> None:
    pic = ready_pic()
    pic.raise_line(3)
    assert pic.acknowledge() == 0x23
    pic.raise_line(0)
    assert pic.acknowledge() == 0x20


def test_the_lowest_numbered_request_is_served_first() -> None:
    pic = ready_pic()
    for irq in (5, 1, 3):
        pic.raise_line(irq)
    assert pic.acknowledge() == 0x21


def test_a_request_in_service_holds_back_lower_ones_until_its_eoi() -> None:
    pic = ready_pic()
    pic.raise_line(3)
    pic.acknowledge()
    pic.raise_line(5)
    assert not pic.requests
    pic.raise_line(1)
    assert pic.requests and pic.acknowledge() == 0x21
    write(pic, (MASTER, 0x20))  # non-specific: ends 1, the most urgent
    assert not pic.requests
    write(pic, (MASTER, 0x20))
    assert pic.requests and pic.acknowledge() == 0x25


def test_a_specific_eoi_ends_the_named_level() -> None:
    pic = ready_pic()
    for irq in (3, 1):
        pic.raise_line(irq)
        pic.acknowledge()
    write(pic, (MASTER, 0x63), (MASTER, 0x0B))
    assert pic.read(MASTER, 1) == 1 << 1


def test_automatic_eoi_leaves_nothing_in_service() -> None:
    pic = ready_pic(icw4=3)
    pic.raise_line(3)
    pic.acknowledge()
    write(pic, (MASTER, 0x0B))
    assert pic.read(MASTER, 1) == 0


def test_a_masked_request_waits_in_irr_until_it_is_unmasked() -> None:
    pic = ready_pic()
    write(pic, (MASTER_DATA, 0x08))
    pic.raise_line(3)
    assert not pic.requests and pic.read(MASTER, 1) == 1 << 3
    write(pic, (MASTER_DATA, 0))
    assert pic.requests
    assert pic.read(MASTER_DATA, 1) == 0


def test_edges_count_a_line_that_stays_high_requests_once() -> None:
    pic = ready_pic()
    pic.raise_line(3)
    pic.acknowledge()
    write(pic, (MASTER, 0x20))
    pic.raise_line(3)
    assert not pic.requests
    pic.lower_line(3)
    pic.raise_line(3)
    assert pic.requests


def test_a_request_that_goes_before_it_is_acknowledged_is_a_spurious_irq7() -> None:
    pic = ready_pic()
    pic.raise_line(3)
    pic.lower_line(3)
    assert pic.acknowledge() == 0x27
    write(pic, (MASTER, 0x0B))
    assert pic.read(MASTER, 1) == 0, "a spurious interrupt is not in service"


def test_a_slave_request_comes_through_the_cascade() -> None:
    pic = ready_pic()
    pic.raise_line(14)
    assert pic.requests and pic.acknowledge() == 0x2E
    write(pic, (MASTER, 0x0B), (SLAVE, 0x0B))
    assert pic.read(MASTER, 1) == 1 << 2 and pic.read(SLAVE, 1) == 1 << 6
    write(pic, (SLAVE, 0x20), (MASTER, 0x20))
    pic.raise_line(9)
    assert pic.acknowledge() == 0x29


def test_a_second_slave_request_follows_the_first() -> None:
    pic = ready_pic()
    pic.raise_line(14)
    pic.raise_line(15)
    assert pic.acknowledge() == 0x2E
    write(pic, (SLAVE, 0x20), (MASTER, 0x20))
    assert pic.requests and pic.acknowledge() == 0x2F


def test_rotation_puts_the_level_just_served_last() -> None:
    pic = ready_pic()
    pic.raise_line(1)
    pic.acknowledge()
    write(pic, (MASTER, 0xA0))  # rotate on non-specific EOI
    pic.lower_line(1)
    pic.raise_line(1)
    pic.raise_line(3)
    assert pic.acknowledge() == 0x23


def test_special_mask_mode_lets_lower_levels_through() -> None:
    pic = ready_pic()
    pic.raise_line(3)
    pic.acknowledge()
    pic.raise_line(5)
    write(pic, (MASTER_DATA, 0x08), (MASTER, 0x68))
    assert pic.requests and pic.acknowledge() == 0x25


def test_polling_acknowledges_by_reading() -> None:
    pic = ready_pic()
    pic.raise_line(3)
    write(pic, (MASTER, 0x0C))
    assert pic.read(MASTER, 1) == 0x83
    assert not pic.requests


def test_wakes_says_exactly_whether_a_request_would_get_through() -> None:
    for mask in (0x00, 0xFB, 0xF7):
        for serving in (None, 1, 6):
            for irq in (0, 3, 5, 14):
                pic = ready_pic()
                if serving is not None:
                    pic.raise_line(serving)
                    pic.acknowledge()
                write(pic, (MASTER_DATA, mask))
                expected = pic.wakes(irq)
                pic.raise_line(irq)
                assert pic.requests == expected, (mask, serving, irq)
