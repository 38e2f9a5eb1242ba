"""Copies of the lessons for Colab: ``python website/colab.py SITE FOLDER``, with the site's address.

They differ from the lessons in one cell, which installs the package from the site. The publishing workflow
puts them on a branch of their own, ``colab``, where the links of ``tools/set_address`` lead.
"""

import argparse
from pathlib import Path

from lite import _wheel, copy_lessons


def main():
    """Write the copies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", help="the address of the site, with the slash at its end")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    copy_lessons(options.folder / "notebooks", wheel(options.site))


def wheel(site):
    """Return the address of the wheel, which lies beside JupyterLite's others (`lite.collect_wheels`)."""
    return f"{site}lite/pypi/backprop_helpers-{_wheel.version()}-py3-none-any.whl"


if __name__ == "__main__":
    main()
