"""The anchors of headings."""


def jupyterlab_anchor(heading):
    """Return the anchor that JupyterLab gives a heading, so that a link works in both places."""
    return heading.replace(" ", "-")
