"""The pictures of both strategies."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from docs.pictures import FOLDER, PICTURES


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_is_drawn(name: str) -> None:
    assert (FOLDER / name).read_text() == PICTURES[name](), "run: python -m docs.pictures"


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_leaves_the_picture(name: str) -> None:
    picture = ElementTree.fromstring(PICTURES[name]())
    width, height = map(int, picture.attrib["viewBox"].split()[2:])
    for text in picture.iter("{http://www.w3.org/2000/svg}text"):
        assert int(text.attrib["x"]) + 7.5 * len(text.text or "") < width
        assert int(text.attrib["y"]) < height
