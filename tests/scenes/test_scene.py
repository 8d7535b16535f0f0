"""Pictures are keyed data: keys are unique, joins are exact, SVG is well formed."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.scenes.scene import DuplicateKey, Scene, apply, join
from ringside.scenes.svg import render

NODES = st.dictionaries(
    st.sampled_from([f"k{n}" for n in range(12)]),
    st.tuples(st.integers(0, 900), st.integers(0, 500)),
    max_size=12,
)


def picture(nodes: dict[str, tuple[int, int]]) -> dict:
    scene = Scene(900, 500)
    for key, (x, y) in nodes.items():
        scene.circle(key, x, y, 5, "token app")
    return scene.as_dict()


def test_a_key_can_be_used_once_only() -> None:
    scene = Scene(10, 10)
    scene.circle("token", 1, 1, 1, "token")
    with pytest.raises(DuplicateKey, match="token"):
        scene.rect("token", 0, 0, 1, 1, "box")


@pytest.mark.parametrize(
    ("width", "crowded", "least"), [(880, False, 15.7), (880, True, 14.5), (400, False, 12.3)])
def test_no_letter_is_smaller_than_can_be_read_on_a_projector_or_a_phone(
    width, crowded, least
) -> None:
    scene = Scene(width, 500, crowded=crowded)
    assert scene.text("small", 0, 0, "small", "label", size=9)["size"] == least
    assert scene.text("large", 0, 0, "large", "label", size=20)["size"] == 20


@given(NODES, NODES)
def test_applying_the_join_of_two_pictures_to_the_first_gives_the_second(before, after) -> None:
    old, new = picture(before), picture(after)
    assert apply(old, join(old, new)) == new


@given(NODES)
def test_a_picture_joined_with_itself_changes_nothing(nodes) -> None:
    patch = join(picture(nodes), picture(nodes))
    assert not patch["enter"] and not patch["update"] and not patch["exit"]


def test_the_same_thing_keeps_its_node_when_it_moves() -> None:
    patch = join(picture({"k1": (1, 1)}), picture({"k1": (9, 9)}))
    assert [node["key"] for node in patch["update"]] == ["k1"]
    assert not patch["enter"] and not patch["exit"]


def test_svg_is_well_formed_whatever_the_text_holds() -> None:
    scene = Scene(100, 100)
    scene.text("t", 1, 1, 'a < b & "c"', "label", tip="x > y")
    root = ElementTree.fromstring(render(scene.as_dict(), css="a > b {}", title="<&>"))
    texts = [element for element in root.iter() if element.tag.endswith("}text")]
    assert "".join(texts[0].itertext()).endswith('a < b & "c"')
