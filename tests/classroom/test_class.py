"""A whole class, graded once: what each submission gets, and what it reaches."""

import csv
import re
from html.parser import HTMLParser

import pytest

from tests.classroom.attacks import ATTACKS, SECRET, each_somewhere
from tests.classroom.conftest import PEOPLE, VICTIMS
from tests.classroom.honest import HONEST, TOLD
from tests.classroom.marks import PLANTED
from tests.classroom.submissions import DOT, FULL, PS1_TASKS, WIDE, cell, without

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of its database library


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_what_it_deserves(course, name):
    solved = ATTACKS[name][1]
    assert course.marks(name, "ps1") == without(*(task for task in PS1_TASKS if task not in solved))


@pytest.mark.parametrize("name", each_somewhere())
def test_what_stands_for_an_answer_gets_nothing(course, name):
    assert course.marks(name, "ps1") == without(*PS1_TASKS)


def test_what_runs_beside_the_answers_changes_no_mark(course):
    assert course.marks("beside", "ps1") == FULL


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_notebook_loses_nothing(course, name):
    assert course.marks(f"honest_{name}", "ps1") == FULL


@pytest.mark.parametrize("name", TOLD)
def test_what_may_be_no_fault_of_the_answers_is_told(course, name):
    _, lost, said = TOLD[name]
    assert course.marks(f"told_{name}", "ps1") == without(*lost)
    line = line_of(course, f"told_{name}")
    for words in said:
        assert words in line


def line_of(course, student):
    """What the list at the end says of a student."""
    return next(line for line in course.facts["said"].splitlines() if line.split()[:1] == [student])


def test_an_answer_that_lost_its_cell_is_told(course):
    assert "no cell for derivation" in line_of(course, "honest_without_names_and_identities")
    assert "no cell" not in line_of(course, "honest_without_names")


@pytest.mark.parametrize("student", PLANTED)
def test_planted_mistakes_lose_their_own_points_and_are_named(course, student):
    planted, left = PLANTED[student], {}
    for task, _, _, (visible, more) in planted:
        left |= {f"{task}_visible": visible, f"{task}_more": more}
    assert course.marks(f"mistaken_{student}", "ps1") == pytest.approx(FULL | left)
    page = course.feedback(f"mistaken_{student}", "ps1")
    for _, _, said, _ in planted:
        assert said in page


def test_untouched_gets_nothing_and_is_not_for_a_person_to_mark(course):
    assert course.marks("untouched", "ps1") == without(*PS1_TASKS)
    assert course.feedback("untouched", "ps1").count("not attempted yet") == len(FULL)
    with course.api().gradebook as gradebook:
        assert not gradebook.find_grade("derivation", "ps1", "ps1", "untouched").needs_manual_grade


def test_another_right_way_gets_all(course):
    assert course.marks("other_numbers", "ps1") == FULL


def test_the_victims_marks_did_not_move(course):
    assert course.facts["before"] == course.facts["after"]
    assert course.facts["after"][0] == 80 + PEOPLE
    for victim in VICTIMS:
        assert course.marks(victim, "ps1") == FULL


def test_nobody_reached_the_teachers_sockets(course):
    assert course.facts["heard"] == []
    said = shown_by(course, "t07_sockets")
    assert "sent" not in said
    assert "No such file" in said or "Connection refused" in said


def test_nobody_saw_or_wrote_what_is_the_teachers(course):
    said = shown_by(course, "c01_c02_looks_around")
    assert "/proc/" in said  # it did look
    assert SECRET not in said
    assert not any(name in said for name in ("gradebook.db", "submitted", "secret"))
    for name in ("t08_writes", "c03_gradebook"):
        assert "written /" not in shown_by(course, name)
    assert "FOUND" not in text_of(course.graded("imports_the_grader", "ps1"))
    said = shown_by(course, "other_processes")
    assert SECRET not in said
    assert "WRITABLE" not in said
    assert not list(course.folder.glob("**/evil"))
    assert not (course.folder / "x").exists()


def test_only_the_notebook_is_taken_over(course):
    folder = course.folder / "autograded" / "b34_shadow_folder" / "ps1"
    assert [path.name for path in folder.iterdir()] == ["ps1.ipynb"]


def test_what_counts_in_no_sum_is_refused(course):
    said = shown_by(course, "uncounted")
    assert "GRANTED" not in said
    assert said.count("Function not implemented") + said.count("refused") == 7
    assert "Too many open files" in said
    assert "LINKED" not in shown_by(course, "leaves_what_is_removed")
    assert "Invalid cross-device link" in shown_by(course, "leaves_what_is_removed")


def test_what_a_kernel_writes_is_bounded(course):
    said = shown_by(course, "fills_what_it_finds")
    assert "No space left" in said
    assert "TOO MUCH" not in said
    assert "NESTED" not in shown_by(course, "sandbox_in_the_sandbox").replace("echo NESTED", "")


class Running(HTMLParser):
    """Finds what would run in a browser, or be fetched."""

    def __init__(self):
        super().__init__()
        self.found, self.inside = [], ""

    def handle_starttag(self, tag, attributes):
        self.inside = tag
        for name, value in attributes:
            link = (tag, name) == ("a", "href") and value.startswith("http")  # opens when it is clicked
            if ("EVIL" in f"{name} {value}" or "mermaid" in f"{name} {value}") and not link:
                self.found.append((tag, name, value))

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside in ("script", "style") and "EVIL" in data:
            self.found.append((self.inside, data))

    def handle_comment(self, data):
        if "EVIL" in data:
            self.found.append(("comment", data))


def pages_of(course, name):
    """Yield the feedback, and what Formgrader shows."""
    yield course.page(name, "ps1")
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(config=course.api().config, template_name="classic")
    yield exporter.from_notebook_node(course.graded(name, "ps1"))[0]


def test_what_a_submission_shows_is_inert(course):
    for page in pages_of(course, "b23_b99_scripts"):
        running = Running()
        running.feed(page)
        assert running.found == []
        assert "EVIL" in page  # as text it is there
        assert "\\href" not in page
        assert not re.search(
            r'\bid="(derivation|skip_backward_more)"', page
        )  # Formgrader's fields have these


def test_the_check_of_inert_pages_finds_what_runs():
    for page in (
        "<script>EVIL()</script>",
        "<img onerror='EVIL()'>",
        "<a href='javascript:EVIL()'>",
        "<!-- EVIL -->",
    ):
        running = Running()
        running.feed(page)
        assert running.found


def test_the_checks_table_and_pictures_are_shown(course):
    page = course.page("other_numbers", "ps1")
    assert "<table style=" in page
    assert "image/png;base64" in course.page("honest_beside", "ps1")
    page = course.page("honest_photograph", "ps1")
    assert [page.count(f"base64,{picture}") for picture in (DOT, WIDE)] == [2, 1]
    assert cell(course.graded("honest_photograph", "ps1"), "derivation").source.endswith(
        "if $a< b$ then $x > 0$ & so on"
    )


def test_long_output_is_cut(course):
    assert 1000 < len(shown_by(course, "b10_long_line")) < 25_000
    assert len(shown_by(course, "b12_large_html")) < 1000
    assert 10 * 2**20 < len(shown_by(course, "pictures")) < 20 * 2**20
    assert (course.folder / "autograded" / "beside" / "ps1" / "ps1.ipynb").stat().st_size < 25 * 2**20


def test_the_run_ends_with_a_list(course):
    said = course.facts["said"]
    assert course.facts["status"] == 1
    assert "not graded: 9" in said
    assert "not_a_notebook: ps1.ipynb is no notebook" in said
    assert "wrong_name: there is no ps1.ipynb, but My ?]0;ps1?.ipynb" in said
    assert "cells_of_numbers: ps1.ipynb is no notebook: it has no list of cells" in said
    assert "too_deep: ps1.ipynb is no notebook: RecursionError" in said
    assert "too_many_cells: ps1.ipynb has 4001 cells" in said
    assert "nothing_in_it: there is no ps1.ipynb" in said
    assert "a_link: it is a link to somewhere else" in said
    assert "the name of the folder is no plain name" in said
    for name in ("crash", "a22_ends_the_process"):
        assert "the kernel ended: the code ended Python" in line_of(course, name)
    for name, why in {
        "t09_children": "of memory",
        "shared_memory": "of memory",
        "many_processes": "more than",  # 64 processes, or their memory, whichever is seen first
        "deep_folders": "wrote more than",
        "no_message": "sent what is no message",
    }.items():
        assert why in line_of(course, name)


def test_the_report_counts_the_mistakes_of_the_class(course):
    table = (course.folder / "reports" / "ps1_mistakes.csv").read_text(encoding="utf-8-sig")
    assert "scaled_fc_backward,ps1.scale_forgotten,1,gamma is missing on the way back" in table
    assert "skip_backward,ps1.skip_forgotten,1," in table
    points = (course.folder / "reports" / "ps1_points.csv").read_text(encoding="utf-8-sig").splitlines()
    assert points[0].startswith("student,central_difference_visible")
    assert any(line.startswith("untouched,") and line.endswith(",0,80,0,100") for line in points)
    assert "ps1.scale_forgotten" in (course.folder / "reports" / "ps1_mistakes.html").read_text(
        encoding="utf-8"
    )


def rows_of(course, what):
    """The rows of one of the report's tables."""
    text = (course.folder / "reports" / f"ps1_{what}.csv").read_text(encoding="utf-8-sig")
    return list(csv.reader(text.splitlines()))


def test_the_report_has_the_points_by_part(course):
    rows = rows_of(course, "parts")
    assert ["mistaken_three", "skip_backward_visible", "dx", "0", "1", "other numbers"] in rows
    assert ["mistaken_three", "skip_backward_visible", "dw", "1", "1", ""] in rows
    assert ["mistaken_one_example", "skip_backward_more", "db", "2.7", "3", "a single example"] in rows


def test_feedbacks_links_are_named_by_task(course):
    page = course.page("other_numbers", "ps1")
    assert 'href="#skip_backward_more">skip_backward: more tests<' in page
    assert ">Test cell<" not in page


def test_the_log_warns_of_nothing_that_is_so(course, caplog):
    assert course.api().generate_feedback("ps1", "honest_photograph")["success"]
    assert len(list(pages_of(course, "honest_photograph"))) == 2  # the second as Formgrader opens it
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [said for said in warnings if not said.startswith("Removing existing assignment")] == []


@pytest.mark.parametrize("width", [1280, 700])
def test_nothing_is_wider_than_its_page(course, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.route("http*://**", lambda route: route.abort())  # MathJax, which is fetched
    for html in pages_of(course, "honest_photograph"):
        page.set_content(html, wait_until="load")
        sizes = page.evaluate("[...document.images].map(image => image.naturalWidth)")
        assert max(sizes) == 4000
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_report_ranks_the_challenge(course):
    head, *rows = rows_of(course, "challenge")
    assert head == ["place", "student", "number", "unit"]
    numbers = [float(row[2]) for row in rows]
    assert numbers == sorted(numbers)
    assert rows[0][0] == "1"
    assert VICTIMS[0] in {row[1] for row in rows}
    assert "untouched" not in {row[1] for row in rows}


def test_the_tables_for_learning_platforms_have_their_columns(course):
    head, *rows = rows_of(course, "moodle")
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(head)  # without which Moodle refuses it
    by_name = {row[1]: dict(zip(head, row)) for row in rows}
    assert float(by_name["untouched"]["Grade"]) == 0
    assert by_name[VICTIMS[1]]["Grade"] == ""  # its derivation waits for a person
    assert float(by_name[VICTIMS[0]]["Grade"]) == 80 + PEOPLE
    head, possible, *rows = rows_of(course, "canvas")
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Problem set 1"]
    assert (possible[0], possible[5]) == ("    Points Possible", "100")
    assert [VICTIMS[0], "", "", VICTIMS[0], "", f"{80 + PEOPLE}"] in rows


def test_the_model_answer_stands_beside_the_answer_and_in_no_feedback(course):
    cells = course.graded("untouched", "ps1").cells
    place = cells.index(cell(course.graded("untouched", "ps1"), "derivation"))
    assert "typical answer" in cells[place + 1].source
    assert cells[place + 1].source.startswith("<div style=")  # which no student's words can have
    assert "Model answer" not in course.page("untouched", "ps1")
    assert "typical answer" not in course.page("untouched", "ps1")


def shown_by(course, name):
    """Return everything that a piece of code showed that ran beside solved tasks."""
    cells = course.graded("beside", "ps1").cells
    return str(next(c.outputs for c in cells if c.source.startswith(f"# {name}\n")))


def text_of(notebook):
    """Return everything that a notebook shows, code left out."""
    return " ".join(str(c.get("outputs", "")) for c in notebook.cells)
