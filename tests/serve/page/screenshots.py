"""Takes the pictures of the README, of the real model on a real server.

    python -m tests.serve.page.screenshots [FOLDER]

Fonts are those of the machine. Pictures go to docs/images, or to the folder named.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from tests.serve.page.browser import Tab, chromium, serving

from entailment.tasks.model import load_model

FOLDER = Path(__file__).parents[3] / "docs" / "images"


class Picture(NamedTuple):
    """What a picture shows, and in which light."""

    name: str
    task: str
    scheme: Literal["light", "dark"]
    width: int
    height: int


PICTURES = (
    Picture("page-classify", "classify", "light", 1080, 690),
    Picture("page-classify-dark", "classify", "dark", 1080, 690),
    Picture("page-check", "check", "light", 1080, 750),
    Picture("page-check-dark", "check", "dark", 1080, 750),
    Picture("page-phone", "nli", "light", 390, 844),
)


def take(folder: Path, url: str, pictures: tuple[Picture, ...] = PICTURES) -> None:
    """Take the pictures of the page at an address."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for picture in pictures:
            context = browser.new_context(
                viewport={"width": picture.width, "height": picture.height},
                color_scheme=picture.scheme,
                reduced_motion="reduce",
            )
            tab = Tab(context.new_page())
            tab.page.goto(url)
            tab.open(picture.task)
            if picture.task == "check":
                tab.page.hover("#claims li:nth-child(2)")
            # Asked once more, so that the time it tells is not that of a first question.
            tab.page.keyboard.press("Control+Enter")
            tab.page.wait_for_timeout(500)
            tab.answered(picture.task)
            path = folder / f"{picture.name}.png"
            tab.page.screenshot(path=path)
            context.close()
            shrink(path)


def shrink(path: Path) -> None:
    """A quarter of the size, where pngquant is installed."""
    if program := shutil.which("pngquant"):
        subprocess.run([program, "--force", "--ext", ".png", "--speed", "1", str(path)], check=True)


if __name__ == "__main__":
    with serving(load_model()) as address:
        take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, address)
