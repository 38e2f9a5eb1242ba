"""The page ARCHITECTURE.md against the code: the picture of the imports, and the files it names."""

import re

import pytest

from tests.test_imports import FLOORS, MODULES, imported_names, module_name, room
from tests.tool_loader import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def drawn():
    """{room: rooms it imports from} as the page draws it."""
    rows = re.findall(r"^(\w+) +-> ([\w, ]+?)(?:  .*)?$", PAGE, flags=re.MULTILINE)
    return {name: set() if below == "nothing" else set(below.split(", ")) for name, below in rows}


def imported():
    """{room: rooms it imports from} as the code has it."""
    found = {name: set() for name in FLOORS}
    for path in MODULES:
        own = room(module_name(path))
        if own:
            names = imported_names(path.read_text(encoding="utf-8"), module_name(path))
            found[own] |= {room(name) for name in names} - {own, None}
    return found


def test_the_picture_is_the_code():
    assert drawn() == imported()


def test_the_floors_are_in_order():
    rooms = list(drawn())
    assert all(FLOORS[below] < FLOORS[name] for name in rooms for below in drawn()[name])
    assert [FLOORS[name] for name in rooms] == sorted(FLOORS.values(), reverse=True)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]+/[\w/.]*)`", PAGE))))
def test_what_the_page_names_exists(name):
    places = [ROOT / name, ROOT / "backprop_helpers" / name]
    assert any(place.exists() for place in places), name
