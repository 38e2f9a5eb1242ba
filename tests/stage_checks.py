"""What a reader does with questions and worksheets: in JupyterLab, on the site, in an exported page."""

from backprop_helpers.checking.misconceptions import misconceptions

TURNED = misconceptions["conv.no_rotation"].diagnosis
WRONG = ["-1", "5", "−6"]  # the first row of the mistake's dX
RIGHT = ["1", "0", "−4", "6", "1", "6", "9", "3", "-2"]


def questions(page):
    return page.locator(".bp-predict")


def sheet(page, number=0):
    return page.locator(".bp-worksheet").nth(number)


def said(stage):
    """What a stage says now."""
    return stage.evaluate("root => root.bpStage.sumText()")


def question_is_answered_with_the_keyboard(page):
    asked = questions(page).nth(0)
    guess = asked.get_by_role("textbox", name="Your guess: How many of the nine outputs move?")
    guess.focus()
    page.keyboard.type("many")
    page.keyboard.press("Enter")
    assert said(asked).startswith("A number, please")
    assert guess.get_attribute("aria-invalid") == "true"
    for text, reply in [
        ("12", "It is 9 outputs; yours is 3 too high."),
        ("−1,5", "It is 9 outputs; yours is 10.5 too low."),
        ("1/9", "It is 9 outputs; yours is 81 times too small."),
        ("90", "It is 9 outputs; yours is 10 times too large."),
        ("9.0", "Yes: 9 outputs."),
    ]:
        guess.fill(text)
        page.keyboard.press("Enter")
        assert said(asked).startswith(reply)
        assert said(asked).endswith("Each weight has its turn.")
        guess.press("Enter")  # an answer stands
        asked.get_by_role("button", name="ask me again").press("Enter")
        assert said(asked) == ""
        assert guess.evaluate("input => document.activeElement === input && input.value === ''")


def option_is_chosen(page, press="click"):
    asked = questions(page).nth(1)
    getattr(asked.get_by_role("button", name="dX"), press)()
    assert said(asked).startswith("No: dW.")
    assert asked.locator("[data-mark]").evaluate_all("all => all.map(e => e.dataset.mark)") == ["✗", "✓"]
    asked.get_by_role("button", name="dW").dispatch_event("click")
    assert said(asked).startswith("No: dW.")  # a second press changes nothing
    getattr(asked.get_by_role("button", name="ask me again"), press)()
    getattr(asked.get_by_role("button", name="dW"), press)()
    assert said(asked).startswith("Yes: dW.")


def cell_is_chosen_with_the_arrows(page):
    asked = questions(page).nth(2)
    asked.get_by_role("button", name="dX[0, 0]").focus()
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)  # the first two and the fourth step lead out of the grid
    assert said(asked) == "It is dX[1, 1] or dX[1, 2]; yours is 1 row and 1 column off. ask me again"
    assert asked.locator("[data-mark='✓']").count() == 2
    asked.get_by_role("button", name="ask me again").click()
    asked.get_by_role("button", name="dX[0, 0]").focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert said(asked).startswith("Yes: dX[1, 1] or dX[1, 2].")


def mistake_is_named(page):
    made = sheet(page)
    made.get_by_role("textbox", name="dX[0, 0]", exact=True).focus()
    for text in WRONG:
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    assert said(made) == f"0 of 9 right. Not yet: {TURNED}."
    box = made.get_by_role("textbox", name="dX[1, 0]")
    assert box.evaluate("input => document.activeElement === input")
    page.keyboard.type("6")  # right, so no mistake gives all four
    page.keyboard.press("Enter")
    assert said(made) == "1 of 9 right."
    marks = made.locator("input").evaluate_all("all => all.map(e => e.dataset.mark ?? '')")
    assert marks == ["✗", "✗", "✗", "✓", "", "", "", "", ""]


def rest_is_shown_and_cleared(page):
    """After `mistake_is_named`."""
    made = sheet(page)
    made.get_by_role("button", name="Show the rest").click()
    assert said(made) == "1 of 9 right. The others stand in italics."
    values = made.locator("input").evaluate_all("all => all.map(e => e.value)")
    assert [value.replace("−", "-") for value in values] == [text.replace("−", "-") for text in RIGHT]
    assert made.locator("[data-mark]").evaluate_all("all => all.map(e => e.dataset.mark)") == ["✓"]
    made.get_by_role("button", name="Clear").click()
    assert made.locator("input").evaluate_all("all => all.map(e => e.value).join('')") == ""
    assert not made.get_by_role("button", name="Show the rest").is_visible()


def sheet_is_filled_in(page):
    made = sheet(page)
    made.locator("input").first.focus()
    for count, text in enumerate(RIGHT, start=1):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        # Some of these numbers are a mistake's, too: no mistake is named where nothing is wrong.
        assert said(made) == ("All 9 right." if count == 9 else f"{count} of 9 right.")


def rounded_numbers_do(page):
    boxes = sheet(page, 1).locator("input")
    for name, text in (
        ("A[0, 0, 1]", "0.14"),
        ("A[0, 1, 0]", "2/7"),
        ("A[0, 2, 1]", "0.7"),  # one digit is too few
        ("A[1, 2, 1]", "1.5"),
    ):
        sheet(page, 1).get_by_role("textbox", name=name).fill(text)
    boxes.first.focus()
    assert said(sheet(page, 1)) == "2 of 12 right."
