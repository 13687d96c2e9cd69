"""An --output is never one of the files that are read, by whatever name."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import ENTAIL, Entail

COMMON = ("--labels", "sports,food")


@pytest.mark.parametrize("link", [None, "symlink_to", "hardlink_to"])
@pytest.mark.parametrize(
    ("command", "content"),
    [
        (("classify", *COMMON, "--input", "{file}"), {"text": "bread"}),
        (("nli", "--input", "{file}"), {"premise": "bread", "hypothesis": "food"}),
        (("check", "{document}", "--claims", "{file}"), {"claim": "bread"}),
        (("check", "{file}", "--claim", "bread"), {"claim": "bread"}),
    ],
)
def test_an_output_that_is_the_input(
    entail: Entail, tmp_path: Path, command: tuple[str, ...], content: object, link: str | None
) -> None:
    file, document, output = (tmp_path / name for name in ("in.jsonl", "document.txt", "out.jsonl"))
    file.write_text(json.dumps(content))
    document.write_text("bread")
    if link is None:
        output = tmp_path / "folder" / ".." / "in.jsonl"
        (tmp_path / "folder").mkdir()
    else:
        getattr(output, link)(file)
    told = [part.format(file=file, document=document) for part in command]
    found = entail(*told, "--model", tmp_path / "none", "--output", output)
    assert found.code == 2
    assert found.error == f"--output {output} is the file that is read; name another"
    assert json.loads(file.read_text()) == content


def test_an_output_that_is_standard_input(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"text": "bread"}\n')
    command = [*ENTAIL, "classify", *COMMON, "--input", "-", "--model", str(model), "--output", str(file)]
    with file.open() as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True)
    assert (done.returncode, "is the file that is read; name another" in done.stderr) == (2, True)
    assert file.read_text() == '{"text": "bread"}\n'
