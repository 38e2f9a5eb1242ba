"""Whether the notebook's cell that should have defined a function could be read at all."""

import re
import sys


def unread_cell(function):
    """Return the syntax error of the last cell that defines a function of that name; empty if it has none.

    After such an error Python still has the function from before, and a check would judge that one.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    name = getattr(getattr(function, "__code__", None), "co_name", "<lambda>")
    if shell is None or not name.isidentifier():
        return ""
    definition = re.compile(rf"^\s*def {name}\s*\(", re.MULTILINE)
    cell = next((cell for cell in reversed(shell.user_ns.get("In", [])) if definition.search(cell)), "")
    try:
        compile(shell.transform_cell(cell), "<cell>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{type(error).__name__} in line {error.lineno} of your cell with def {name}: {error.msg}"
    return ""
