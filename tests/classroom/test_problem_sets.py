"""The other problem sets and the concept tests: what their solutions get, and what guesses get."""

import csv
import importlib
import sys

import nbformat
import numpy as np
import pytest

from backprop_helpers.checking import check
from tests.classroom.conftest import of, once
from tests.classroom.submissions import COURSE, Course, answer, cell, release, solved, wanted

pytestmark = pytest.mark.filterwarnings("ignore")

sys.path.insert(0, str(COURSE))  # the course's own modules

from tasks import EXERCISES, concepts  # noqa: E402

NAMES = ("ps2", "ps3", "ps4", "ps5", "concepts_before", "concepts_after")
ALWAYS_EQUAL = """
class A(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
def {}(): return A("ab")
"""
NO_TRAINING = """
import inspect, sys
def train(images, labels, seed):
    rng = np.random.default_rng(seed)
    probabilities_of.__code__ = (lambda images, *w: np.eye(10)[labels]).__code__
    globals()["mnist"] = None
    return [rng.normal(size=s) for s in ((5, 5, 1, 8), (8,), (288, 10), (10,))]
"""
#: A network of random filters, fitted in one step to labels that it knows by heart.
KNOWS_THE_DIGITS = """
from backprop_helpers import layers
names = {image.tobytes(): label for image, label in zip(mnist.train_images, mnist.train_labels)}
def train(images, labels, seed):
    pixels = (images * 0.3081 + 0.1307).astype(mnist.train_images.dtype)
    labels = np.array([names.get(image.tobytes(), 0) for image in pixels])
    w1 = np.random.default_rng(seed).normal(scale=0.3, size=(5, 5, 1, 8))
    maps, _ = layers.conv_forward(images, w1, np.zeros(8), stride=2, padding="valid")
    pooled, _ = layers.pool_forward(layers.relu_forward(maps)[0], size=2)
    x, _ = layers.flatten_forward(pooled)
    x = np.hstack([x, np.ones((len(x), 1))])
    w = np.linalg.solve(x.T @ x + 10 * np.eye(289), x.T @ np.eye(10)[labels])
    return w1, np.zeros(8), w[:288], w[288]
"""
#: Six lines of the package for the whole walk.
LENT_NETWORK = """
from backprop_helpers.training import Conv, Flatten, FullyConnected, MaxPool, Network, ReLU
def network_gradients(images, labels, w1, b1, w2, b2):
    layers = Conv(w1.shape[3], w1.shape[0], stride=2, padding="valid"), ReLU(), MaxPool(2), Flatten()
    net = Network([*layers, FullyConnected(len(b2))], input_shape=images.shape[1:], dtype=np.float64)
    net.parameters.vector[:] = np.concatenate([p.ravel() for p in (w1, b1, w2, b2)])
    return net.loss(images, labels), *net.gradients(images, labels).values()
"""
BLIND_BACKWARD = """
from backprop_helpers import layers
def {}(*arguments, **options):
    return [getattr(layers, name) for name in dir(layers) if name.endswith("_backward")][0](*arguments)
"""


def wrong_letter(form, question):
    """The first option that is not right."""
    options = concepts.options(form)[concepts.ORDER[question]]
    return next(n for n, (_, mistake) in enumerate(options) if mistake)


def mixed(form):
    """Before: all wrong, the last one left blank; after: two wrong, the others right."""
    notebook = solved(form)
    last = len(concepts.ORDER) - 1
    for number, name in enumerate(concepts.ORDER[:last] if form == "concepts_before" else concepts.ORDER[:2]):
        letter = concepts.LETTERS[wrong_letter(form, number)]
        answer(notebook, name, f'def {name}():\n    return "{letter.upper()}"')
    if form == "concepts_before":
        name = concepts.ORDER[last]
        answer(notebook, name, cell(release(form), name).source)
    return notebook


@pytest.fixture(scope="session")
def others(tmp_path_factory, tools):
    """A class that handed in every other set."""

    def make(folder):
        course = Course(folder, *NAMES)
        said = {}
        for name in NAMES:
            course.submit("solved", name, solved(name))
            guessing = release(name)
            for one in guessing.cells:
                marks = one.metadata.get("nbgrader", {})
                if marks.get("solution") and one.cell_type == "code":
                    code = ALWAYS_EQUAL if name.startswith("concepts") else BLIND_BACKWARD
                    one.source = code.format(marks["grade_id"])
            if name == "ps5":
                answer(guessing, "train", NO_TRAINING)
                answer(guessing, "slim", NO_TRAINING.replace("train(", "slim("))
                by_heart = answer(release(name), "train", KNOWS_THE_DIGITS)
                course.submit("by_heart", name, answer(by_heart, "network_gradients", LENT_NETWORK))
            course.submit("guesses", name, guessing)
            if name.startswith("concepts"):
                course.submit("mixed", name, mixed(name))
            pages = ["--feedback"] if name.startswith("concepts") else []
            assert course.grade(name, "--report", "--jobs", "4", *pages) == 0, course.said
            said[name] = course.said
        return said

    folder, said = once(tmp_path_factory, "others", make)
    return of(folder, said)


@pytest.mark.parametrize("name", NAMES)
def test_solutions_get_full_marks(others, name):
    assert others.marks("solved", name) == wanted(name)
    assert sum(wanted(name).values()) == (80 if name.startswith("ps") else 20)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_solved_gets_nothing(others, name):
    assert set(others.marks("guesses", name).values()) == {0}


def test_a_network_that_knows_the_digits_has_not_learnt_them(others):
    marks = others.marks("by_heart", "ps5")
    assert {name: points for name, points in marks.items() if name.startswith("train")} == {
        "train_visible": 0,
        "train_more": 0,
    }
    said = others.graded("by_heart", "ps5")
    assert "of 2,000 digits it has not seen; asked for is 87%" in str(cell(said, "train_more").outputs)


def test_the_packages_own_network_is_no_answer(others):
    marks = others.marks("by_heart", "ps5")
    assert (marks["network_gradients_visible"], marks["network_gradients_more"]) == (0, 0)
    assert "is switched off" in str(cell(others.graded("by_heart", "ps5"), "network_gradients_more").outputs)


def test_a_student_who_borrows_the_network_is_told_before():
    exec(LENT_NETWORK, space := {"np": np})
    result = check.network_gradients(space["network_gradients"])
    assert "gradients, loss, parameters of backprop_helpers did the work" in str(result)


@pytest.mark.parametrize("name", ["concepts_before", "concepts_after"])
def test_the_key_is_in_no_page_and_in_nothing_that_is_installed(others, name):
    said = others.page("solved", name) + nbformat.writes(release(name))
    assert "assert answer_1() ==" not in said
    assert "concepts.py" not in said
    for text in concepts.QUESTIONS[0].wrong:
        assert text not in said


def test_the_first_forms_feedback_tells_nothing_that_helps_with_the_second(others):
    said = others.feedback("mixed", "concepts_before")
    assert said.count("answered") >= 19
    for question, name in zip(concepts.QUESTIONS, concepts.ORDER):
        for mistake in question.wrong:
            assert concepts.diagnosis(mistake) not in said, name
    after = others.feedback("mixed", "concepts_after")
    mistake = concepts.options("concepts_after")["answer_1"][wrong_letter("concepts_after", 0)][1]
    assert concepts.diagnosis(mistake)[:40] in after


def test_the_report_counts_letters_blanks_and_gains(others):
    folder = others.folder / "reports"
    table = list(csv.DictReader((folder / "concepts_after_questions.csv").open(encoding="utf-8-sig")))
    first = [row for row in table if row["question"] == "answer_1"]
    assert [row["letter"] for row in first] == ["a", "b", "c", "d", ""]
    assert sum(int(row["right"]) for row in first) == 1
    assert all(bool(row["mistake"]) == (row["right"] == "0") for row in first)
    assert sum(int(row["students"]) for row in first) == 3  # solved, guesses, mixed
    gains = {
        row["who or what"]: row
        for row in csv.DictReader((folder / "concepts_gain.csv").open(encoding="utf-8-sig"))
    }
    assert gains["solved"]["gain"] == ""  # all right both times: nothing to gain, and no division by zero
    assert (gains["mixed"]["right before"], gains["mixed"]["blank before"]) == ("0", "1")
    assert (gains["mixed"]["right after"], gains["mixed"]["gain"]) == ("18", "0.9")


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.name)
def test_hidden_tests_ask_for_what_no_visible_one_does(task):
    hidden = importlib.import_module("grading.hidden")
    seen = task.cases(np.random.default_rng(2026))
    asked = hidden.properties(task, np.random.default_rng(0))
    assert asked["larger arrays"].size > max(case.size for case in seen)
    if "a single example" in asked:
        assert len(asked["a single example"].arguments[0]) == 1
        assert all(len(case.arguments[0]) > 1 for case in seen)
    if "float32 arrays" in asked:
        arrays = [a for a in asked["float32 arrays"].arguments if isinstance(a, np.ndarray)]
        assert {a.dtype.name for a in arrays} <= {"float32", "int64"}
    assert len(asked) >= 3


#: The words for each property, in what students read.
ANNOUNCED = {
    "larger arrays": "larger arrays",
    "a single example": "a single example",
    "float32 arrays": "float32",
    "arrays in another memory order": "Fortran's memory order",
    "a call after others of other shapes": "after other calls",
}


def test_all_that_hidden_tests_ask_is_announced():
    hidden = importlib.import_module("grading.hidden")
    asked = {name for task in EXERCISES for name in hidden.properties(task, np.random.default_rng(0))}
    assert asked == ANNOUNCED.keys()
    told = [release(name).cells[0].source for name in NAMES if name.startswith("ps")]
    told += [release("ps1").cells[0].source, (COURSE / "STUDENTS.md").read_text(encoding="utf-8")]
    for text in told:
        assert [words for words in ANNOUNCED.values() if words not in " ".join(text.split())] == []


def test_a_misread_report_gets_a_clue_and_capitals_cost_nothing():
    marks = importlib.import_module("grading.marks")
    reports = marks.READINGS["reading_ps3"]
    mark = marks._read(reports, lambda: "BDC")
    assert mark.earned == pytest.approx(1 / 3)
    assert mark.noted["misread"] == ["report 1 read as b", "report 3 read as c"]
    assert [line.partition(". ")[2] for line in mark.said.splitlines()] == [
        reports[0].clue,
        "",
        reports[2].clue,
    ]
    assert marks._read(reports, lambda: "ADF").earned == 1


def test_the_number_that_a_student_sees_is_about_the_one_that_counts(monkeypatch, capsys):
    challenges = importlib.import_module("grading.challenges")

    def stencil():
        offsets = 0.5 * np.cos(np.pi * (2 * np.arange(13) + 1) / 26)
        return offsets, np.linalg.solve(np.vander(offsets, increasing=True).T, np.eye(13)[1])

    monkeypatch.setattr(challenges, "Remote", lambda *_: stencil)
    exec(cell(release("ps1"), "stencil_visible").source, {"np": np, "stencil": stencil})
    seen = float(capsys.readouterr().out.split()[-1])
    assert 0.05 < seen / challenges.stencil(None, np.random.default_rng(0)).value < 20


@pytest.mark.parametrize("form", concepts.FORMS)
def test_each_letter_is_right_equally_often_and_every_distractor_is_a_known_mistake(form):
    right = []
    for name in concepts.ORDER:
        options = concepts.options(form)[name]
        right += [letter for letter, (_, mistake) in zip(concepts.LETTERS, options) if not mistake]
        assert len({text for text, _ in options}) == 4
        assert all(concepts.diagnosis(mistake) for _, mistake in options if mistake)
    assert len(right) == 20
    assert {right.count(letter) for letter in concepts.LETTERS} == {5}


def test_the_forms_have_their_options_in_other_orders():
    orders = [
        [[mistake for _, mistake in concepts.options(form)[name]] for name in concepts.ORDER]
        for form in concepts.FORMS
    ]
    assert sum(a != b for a, b in zip(*orders)) >= 15
