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


ROWS = re.findall(r"^\| `([\w/]+)` \| ([\d,]+) \| ([\d,]+) \|$", PAGE, flags=re.MULTILINE)
LEFT_OUT = {"_build", "release", "__pycache__"}


def lines_of(room):
    """The number of lines of each file of a room that is code."""
    files = [path for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".js", ".css")]
    files += [
        path for path in (ROOT / room).glob("*") if room == "tools" and path.is_file() and not path.suffix
    ]
    files = [path for path in files if not LEFT_OUT & {*path.parent.parts}]  # tools/release counts
    return [len(path.read_text(encoding="utf-8").splitlines()) for path in files]


@pytest.mark.parametrize(("room", "most", "largest"), ROWS)
def test_no_room_outgrows_its_lines(room, most, largest):
    lines, most, largest = lines_of(room), int(most.replace(",", "")), int(largest.replace(",", ""))
    assert 0.95 * most < sum(lines) <= most
    assert max(lines) <= largest


def test_every_room_of_the_package_has_its_line():
    assert {f"backprop_helpers/{name}" for name in FLOORS} < {room for room, *_ in ROWS}
