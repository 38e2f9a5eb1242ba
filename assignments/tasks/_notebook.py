"""The concept test's notebooks, made of its questions."""

from nbformat import NotebookNode, writes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from . import concepts

RULES = "Twenty questions, one point each. **Time:** 30 minutes, without notes and without running code."
HOW = 'Put one letter into each function, as in `return "a"`. If you do not know, leave the cell as it is'
WORDS = (
    "*What arrives* for a number is how much the loss moves when that number does, and *its gradient* is the"
    " same."
)
HEADS = {
    "concepts_before": (
        f"# Concept questions, before the course\n\n{RULES}\n\n"
        "Not a test of you, but of the course: nobody is expected to know these things yet. Other questions "
        f"about the same ideas come at the end.\n\n{HOW}: that tells more than a guess. {WORDS}"
    ),
    "concepts_after": (
        f"# Concept questions, after the course\n\n{RULES}\n\nThe ideas are those of the test before the "
        f"course; numbers, words and the order of the answers are others.\n\n{HOW}. {WORDS}"
    ),
}


def notebook(form):
    """Return the text of a form's notebook, with solutions, as nbgrader takes it."""
    cells = [new_markdown_cell(HEADS[form])]
    for number, (name, question) in enumerate(zip(concepts.ORDER, concepts.QUESTIONS), 1):
        options = concepts.options(form)[name]
        text = question.texts[concepts.FORMS.index(form)]
        listed = "\n".join(f"- **{letter}** {said}" for letter, (said, _) in zip(concepts.LETTERS, options))
        right = next(letter for letter, (_, mistake) in zip(concepts.LETTERS, options) if not mistake)
        cells += [
            new_markdown_cell(f"## {number}\n\n{text}\n\n{listed}"),
            _cell(
                name,
                f'def {name}():\n    """Return "a", "b", "c" or "d"."""\n    # BEGIN SOLUTION\n'
                f'    return "{right}"\n    # END SOLUTION',
                solution=True,
                locked=False,
            ),
            _cell(
                f"{name}_visible",
                f'assert {name}() in ("a", "b", "c", "d"), \'one letter, such as return "a"\'',
                grade=True,
                points=1,
            ),
        ]
    for number, cell in enumerate(cells):
        cell.id = f"{form}-{number:02d}".replace("_", "-")
    language = {"name": "python", "pygments_lexer": "ipython3"}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return (
        writes(new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})) + "\n"
    )


def _cell(name, source, **marks):
    marks = {"grade": False, "grade_id": name, "locked": True, "solution": False, "task": False} | marks
    return new_code_cell(source, metadata={"nbgrader": NotebookNode(marks | {"schema_version": 3})})
