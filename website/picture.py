"""Record README's moving picture from the built site: ``python website/picture.py``.

A digit is drawn on the first page's network, then the pointer walks over its maps. Beside the animation lies
its last frame, for readers who want no motion.
"""

import io
import itertools
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))
from benchmarks.browser import chromium  # noqa: E402
from benchmarks.site import SITE, served  # noqa: E402

STROKE = (
    (0.3, 0.2),
    (0.5, 0.18),
    (0.7, 0.2),
    (0.62, 0.4),
    (0.52, 0.6),
    (0.45, 0.85),
)  # a seven, in parts of the pad
VISITED = (
    ("conv1", (8, 12, 1)),
    ("conv2", (6, 7, 5)),
    ("pool2", (3, 3, 5)),
    ("d pool1", (5, 6, 1)),
)
BETWEEN = 2  # frames from one corner of the stroke to the next
MOVING, WAITING = 120, 1600  # ms a frame is shown
COLOURS, WIDTH = 64, 760


def main():
    """Record the frames and write the two files."""
    with served(SITE) as address, chromium(height=900) as page:
        page.goto(address)
        stage = page.locator(".bp-stage")
        stage.get_by_role("button", name="drawn", exact=True).click()
        frames = [*drawing(page, stage), *pointing(page, stage)]
    pictures = [shrunk(png) for png, _ in frames]
    folder = ROOT / "website" / "_static"
    pictures[0].save(
        folder / "network.gif",
        save_all=True,
        append_images=pictures[1:],
        duration=[shown for _, shown in frames],
        loop=0,
        optimize=True,
    )
    pictures[-1].save(folder / "network.png", optimize=True)


def drawing(page, stage):
    """Draw the digit; yield (PNG, milliseconds) as it grows."""
    box = stage.locator(".bp-pad").bounding_box()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in STROKE]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for (x, y), (to_x, to_y) in itertools.pairwise(corners):
        for step in range(1, BETWEEN + 1):
            part = step / BETWEEN
            page.mouse.move(x + part * (to_x - x), y + part * (to_y - y))
            page.wait_for_timeout(60)
            yield stage.screenshot(), MOVING
    page.mouse.up()
    page.wait_for_timeout(300)
    yield stage.screenshot(), WAITING


def pointing(page, stage):
    """Point at one cell after another; yield (PNG, milliseconds)."""
    for layer, cell in VISITED:
        page.mouse.move(*stage.evaluate("(e, at) => e.bpStage.cellCenter(...at)", [layer, list(cell)]))
        page.wait_for_timeout(300)
        yield stage.screenshot(), WAITING


def shrunk(png):
    """Return a frame in few colours, as wide as README shows it."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    height = round(image.height * WIDTH / image.width)
    return image.resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
