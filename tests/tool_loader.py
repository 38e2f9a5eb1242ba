"""Import the programs of tools/, whose files have no ending."""

import importlib.machinery
import importlib.util
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"


@cache
def load_tool(name):
    """Return tools/`name` as a module; its `main` is not called."""
    module_name = name.removesuffix(".py")
    if str(TOOLS) not in sys.path:
        sys.path.append(str(TOOLS))  # the tools import one another
    if module_name in sys.modules:
        return sys.modules[module_name]
    loader = importlib.machinery.SourceFileLoader(module_name, str(TOOLS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(module_name, loader))
    # The others must find this very module, so that a test can replace its parts.
    sys.modules[module_name] = module
    loader.exec_module(module)
    return module
