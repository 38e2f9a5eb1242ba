"""What the tools that write pages from the lessons share: reading lessons, writing or comparing files."""

import argparse
import difflib

import _environment
import _lesson


class PageError(Exception):
    """A page cannot be made; the message names the place in the lessons."""


def lessons(folder=_environment.NOTEBOOKS):
    """Return {number: lesson} of the lessons in ``folder``."""
    read = (_lesson.Lesson.read(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")))
    return {lesson.number: lesson for lesson in read}


def write_or_check(program, description, make, arguments):
    """Write the files of ``make(lessons)``, {path: bytes}, or compare them; return the exit code."""
    parser = argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change no file; say what would change")
    options = parser.parse_args(arguments)
    try:
        made = make(lessons())
    except PageError as error:
        print(f"FAILED: {error}")
        return 1
    changed = [path for path, content in made.items() if not path.is_file() or path.read_bytes() != content]
    for path in changed:
        if options.check:
            _print_difference(path, made[path])
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(made[path])
    names = ", ".join(path.name for path in changed or list(made)[:1])
    if options.check and changed:
        print(f"FAILED: {names}: out of step with the lessons; run tools/{program}")
        return 1
    print(f"{names}: {'written' if changed else 'in step with the lessons'}")
    return 0


def _print_difference(path, content):
    """Show how a page differs from the lessons; of a picture there is nothing to show."""
    if path.suffix == ".md":
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        new = content.decode("utf-8").splitlines()
        print("\n".join(difflib.unified_diff(before.splitlines(), new, "kept", "lessons", "", "", 0, "")))
