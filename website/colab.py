"""Copies of the lessons for Colab: ``python website/colab.py FOLDER``, after ``tools/set_address``.

They differ from the lessons in one cell, which installs the package from the site. The publishing workflow
puts them on a branch of their own, ``colab``, where the links of ``tools/set_address`` lead.
"""

import argparse
import tomllib
from pathlib import Path

from lite import ROOT, _wheel, copy_lessons


def main():
    """Write the copies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls")
    if urls is None:
        parser.error("this copy has no address yet: python3 tools/set_address OWNER/NAME")
    copy_lessons(options.folder / "notebooks", wheel(urls["Documentation"]))


def wheel(site):
    """Return the address of the wheel, which lies beside JupyterLite's others (`lite.collect_wheels`)."""
    return f"{site}lite/pypi/backprop_helpers-{_wheel.version()}-py3-none-any.whl"


if __name__ == "__main__":
    main()
