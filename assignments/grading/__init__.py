"""How this course grades: students' code computes in a sandbox, and everything is judged outside of it.

`steps` are the steps of nbgrader that are replaced; `marks` judges, `hidden` what only hidden tests ask,
`challenges` measures; `kernel` is a student's kernel seen from outside, `sandbox` and `limits` what is around
it, `package` and `grading_answers` what is inside; `arrays` and `outputs` are what comes out of it, bounded
and inert; `taking` reads a stranger's notebook, `collecting` a platform's archive; `report` sums up a class,
`tables` writes what goes back.
"""

import re
import secrets
import shutil
from pathlib import Path


def configure(c, root):
    """Write the course's rules into nbgrader's configuration; `root` is the course's folder."""
    from nbgrader.preprocessors import (
        AssignLatePenalties,
        ClearOutput,
        GetGrades,
        IgnorePattern,
        OverwriteKernelspec,
        SaveAutoGrades,
    )

    from .outputs import FittingPage
    from .steps import MarkSubmission, TakeOver, WithoutModel

    c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
    c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
    c.OverwriteCells.add_missing_cells = True
    c.TakeOver.sources = str(Path(root) / "source")
    c.MarkSubmission.secret_file = str(secret_of(Path(root)))
    c.Autograde.sanitize_preprocessors = [
        ClearOutput,
        OverwriteKernelspec,
        TakeOver,
    ]
    c.Autograde.autograde_preprocessors = [
        MarkSubmission,
        IgnorePattern,
        SaveAutoGrades,
        AssignLatePenalties,
    ]
    c.GenerateFeedback.preprocessors = [GetGrades, WithoutModel]
    c.HTMLExporter.preprocessors = [FittingPage]  # of both, Formgrader's pages and feedback's
    c.FittingPage.enabled = True
    c.CSSHTMLHeaderPreprocessor.enabled = False  # it would come later, and begin the style anew
    c.HTMLExporter.exclude_anchor_links = True  # or a heading may have the identity of a field for points
    c.GenerateFeedback.post_convert_hook = links_by_task(Path(root))
    c.Autograde.post_convert_hook = only_the_notebook(Path(root))


def secret_of(root):
    """Return the file with the course's secret, which is made when it is first asked for."""
    path = root / "secret"
    if not path.exists():
        path.write_text(secrets.token_hex() + "\n", encoding="utf-8")
        path.chmod(0o600)
    return path


def links_by_task(root):
    """Return a hook for nbgrader that names a feedback page's links."""

    def name(match):
        test = match[1]
        asked, _, which = test.rpartition("_")
        if asked.startswith("answer_"):
            return f'href="#{test}">question {asked.partition("_")[2]}<'
        return f'href="#{test}">{asked}: {"tests that you see" if which == "visible" else "more tests"}<'

    def write(assignment, student, notebooks):
        for page in root.glob(f"feedback/{student}/{assignment}/*.html"):
            text = page.read_text(encoding="utf-8")
            text = re.sub(r'href="#(\w+)">Test cell<', name, text)
            page.write_text(text, encoding="utf-8")

    return write


def only_the_notebook(root):
    """Return a hook for nbgrader that removes what came along with a submission's notebook."""

    def remove(assignment, student, notebooks):
        kept = {f"{assignment}.ipynb", "timestamp.txt"}
        for folder in (root / "autograded").glob(f"{student}/{assignment}"):
            for path in folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.name not in kept:
                    path.unlink()

    return remove
