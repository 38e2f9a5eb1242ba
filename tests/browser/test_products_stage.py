"""The table of products in JupyterLab: cards that are piled anew, under a real mouse and keys."""

import pytest

from tests.browser.stages import DRAWN, stage_fixtures

opened, make = stage_fixtures("ProductsStage")


@pytest.fixture
def stage(make):
    return make()


def card(stage, number):
    return stage.stage.locator(f'.bp-card[data-card="{number}"]')


def test_every_card_is_in_one_pile_and_piles_add_up(stage):
    assert len(stage.state()["cards"]) == 16
    for name, heads in (
        ("output: Z", ["Z[0, 0] = 2", "Z[0, 1] = 17", "Z[1, 0] = 22", "Z[1, 1] = 7"]),
        ("weight: dW", ["dW[0, 0] = 9", "dW[0, 1] = 11", "dW[1, 0] = 11", "dW[1, 1] = 20"]),
    ):
        stage.press_button(name)
        stage.page.evaluate(DRAWN)
        assert stage.stage.locator(".bp-pile").all_inner_texts() == heads
    stage.press_button("input: dX")
    stage.expect("stage.by", "x")
    assert len(stage.stage.locator(".bp-pile").all_inner_texts()) == 9


def test_cards_travel_and_are_the_same_cards(stage):
    before = card(stage, 5).element_handle()
    stage.press_button("input: dX")
    assert stage.stage.locator(".bp-cards.bp-moving").count() == 1
    assert card(stage, 5).evaluate("(e, old) => e === old", before)


def test_a_card_tells_its_three_sums(stage):
    card(stage, 5).hover()
    assert stage.sum().endswith(
        "2·2 into Z[0, 1],  2·(−2) into dW[0, 1],  (−2)·2 into dX[0, 2]".replace("  ", " ")
    )
    assert stage.state()["lit"] == [5]


def test_a_number_shows_its_cards(stage):
    stage.hover("dx", 1, 1, 0)
    assert stage.sum().endswith("4 cards have this input.dX[1, 1] = 1·(−1) + (−2)·3 + 3·2 + 2·1 = 1")
    assert len(stage.state()["lit"]) == 4
    stage.hover("w", 0, 1, 0, 0)
    assert stage.sum().endswith("dW[0, 1] = 1·1 + 2·(−2) + 4·3 + 1·2 = 11")


def test_keys_hold_and_let_go(stage):
    stage.stage.locator(".bp-cards").focus()
    stage.press("ArrowRight", "ArrowRight", "Enter")
    assert stage.state()["held"] == {"array": "card", "index": [1]}
    stage.expect("stage.selected", {"array": "card", "index": [1]})
    stage.press("Escape")
    assert stage.state()["held"] is None


def test_an_edit_changes_every_sum(stage):
    stage.click("w", 0, 0, 0, 0)
    stage.press("7", "Enter")
    assert stage.values("z") == [20, 23, 22, 31]
    stage.expect("stage.arrays['w'].ravel().tolist()", [7, 2, 3, -1])


@pytest.mark.parametrize(
    "arguments",
    [
        "np.array([[2, -1, 3]]), rng.integers(-4, 5, (3, 3)), layer='fc'",
        "rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), layer='fc', by='x'",
        "rng.integers(0, 9, (1, 3, 3, 2)), rng.integers(-4, 5, (2, 2, 2, 2)), by='x'",
        "rng.integers(0, 9, (5, 4)), rng.integers(-4, 5, (2, 2)), stride=2, padding=1, by='x'",
        "np.array([[3, 1, 2], [0, np.nan, 1], [5, 2, 6]]), np.ones((2, 2))",
    ],
)
def test_other_layers_fit(make, arguments):
    stage = make(arguments)
    assert stage.height() <= 640
    assert stage.overlaps() == []
