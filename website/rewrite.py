"""What the site and an exported lesson change in a page: its links, and what is said of its pictures."""

import re
from pathlib import Path

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def describe_pictures(cell):
    """Give each picture of ``cell`` the description that its figure wrote into the output's metadata."""
    texts = [
        output.metadata["image/png"]["alt"]
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("image/png", {}).get("alt")
    ]
    if texts:
        cell.metadata.setdefault("mystnb", {})["image"] = {"alt": " ".join(texts)}


def settle_links(text, name, known):
    """Return ``text`` with its links to files that are not on the site turned into plain code or text."""
    folder = Path(name).parent

    def settle(match):
        words, target = match.groups()
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return match.group()
        file = target.split("#")[0]
        page = (Path("/") / folder / file).resolve().relative_to("/").as_posix()
        return match.group() if page in known else words

    return LINK.sub(settle, text)
