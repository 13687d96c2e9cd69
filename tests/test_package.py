"""The package's front door: light to import, complete, and the same for a type checker and at run time."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import entailment


def in_a_fresh_process(code: str) -> object:
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def test_import_loads_the_standard_library_only() -> None:
    code = (
        "import sys, json; before = set(sys.modules); import entailment; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = in_a_fresh_process(code)
    assert isinstance(loaded, list)
    foreign = [name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names]
    assert foreign == ["entailment"]


def test_errors_load_the_standard_library_only() -> None:
    code = (
        "import sys, json; before = set(sys.modules); from entailment import LabelsError; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = in_a_fresh_process(code)
    assert isinstance(loaded, list)
    foreign = [name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names]
    assert foreign == ["entailment", "entailment.errors"]


def test_every_public_name_is_there_without_torch() -> None:
    code = (
        "import sys, json; sys.modules['torch'] = None; import entailment; "
        "rooms = ('entailment.models', 'entailment.keras'); "
        "names = ('__version__', *entailment._HOME); "
        "free = [n for n in names if not entailment._HOME.get(n, '').startswith(rooms)]; "
        "print(json.dumps({name: getattr(entailment, name) is not None for name in free}))"
    )
    found = in_a_fresh_process(code)
    assert isinstance(found, dict)
    assert all(found.values())
    assert {
        "NLI",
        "ZeroShotClassifier",
        "CrossEncoder",
        "load_model",
        "open_checkpoint",
        "__version__",
    } <= set(found)


def test_a_torch_name_without_torch_says_what_to_install() -> None:
    code = (
        "import sys, json; sys.modules['torch'] = None; import entailment\n"
        "try: entailment.MobileBertModel\n"
        "except entailment.MissingExtraError as error: print(json.dumps(str(error)))"
    )
    assert (
        in_a_fresh_process(code) == "a model as a torch module needs torch: pip install 'entailment[torch]'"
    )


def test_type_checkers_and_the_run_time_see_the_same_names() -> None:
    spec = importlib.util.find_spec("entailment")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    checked = {
        alias.asname: f"{node.module}.{alias.name}"
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert checked == {name: f"{module}.{name}" for name, module in entailment._HOME.items()}


def test_names_are_listed_and_unknown_ones_refused() -> None:
    assert {*entailment.__all__, *entailment._HOME} <= set(dir(entailment))
    with pytest.raises(AttributeError, match="no attribute 'Classifier'"):
        entailment.Classifier  # noqa: B018


@pytest.mark.parametrize(
    "home",
    sorted(Path(str(entailment.__file__)).parent.rglob("__init__.py")),
    ids=lambda home: home.parent.name,
)
def test_a_map_of_a_package_has_all_its_files(home: Path) -> None:
    text = ast.get_docstring(ast.parse(home.read_text(encoding="utf-8"))) or ""
    listed = set(re.findall(r"\w+\.py\b", text))
    assert listed in (set(), {path.name for path in home.parent.glob("*.py")} - {home.name})


def test_all_errors_are_public() -> None:
    from entailment import errors

    classes = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert set(classes) <= set(entailment.__all__)


def test_a_star_brings_what_the_base_package_has() -> None:
    """Without the extras it fails for none of them, and with them it imports none."""
    extras = ("fastapi", "httpx", "keras", "pyarrow", "tensorflow", "torch")
    missing = f"import sys, json\nfor name in {extras}: sys.modules[name] = None\n"
    star = "from entailment import *\n"
    there = in_a_fresh_process(f"{missing}{star}print(json.dumps(dir()))")
    assert isinstance(there, list)
    assert set(entailment.__all__) <= set(there)
    assert {"NLI", "ZeroShotClassifier", "AutoTokenizer", "InputError", "evaluate_nli"} <= set(there)
    loaded = in_a_fresh_process(f"import sys, json\n{star}print(json.dumps(sorted(sys.modules)))")
    assert isinstance(loaded, list)
    assert not set(extras) & set(loaded)


def test_all_that_a_star_leaves_out_needs_an_extra() -> None:
    for name in set(entailment._HOME) - set(entailment.__all__):
        assert entailment._HOME[name].split(".")[1] in ("client", "keras", "models", "serve")
