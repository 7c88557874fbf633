"""The house rules that no linter holds; each rule is shown to bite on a small offender."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "optimizer", "api", "benchmarks")
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
KERNEL_DECORATORS = {"kernel", "njit", "jit", "vectorize", "guvectorize"}
MUTABLE_NODES = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter"}
PYDANTIC_HOMES = ("api/*schemas.py", "api/settings.py")
ENVIRONMENT_HOMES = ("api/settings.py",)

MIGRATIONS = ("api/storage/migrations/versions/*",)  # a revision is a flat list of tables, written once

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its path in the project and its text."""

    path: str
    text: str

    @property
    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(ast.parse(self.text))

    def lives_in(self, homes: tuple[str, ...]) -> bool:
        return any(fnmatch(self.path, home) for home in homes)


Rule = Callable[[tuple[Module, ...]], list[str]]


def modules_in(*folders: str) -> tuple[Module, ...]:
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return tuple(
        Module(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files
    )


def name_of(node: ast.AST) -> str:
    """Last part of a name, an attribute or what is called: `jit.kernel(...)` is `kernel`."""
    match node:
        case ast.Call(func=function):
            return name_of(function)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def imported_by(module: Module) -> Iterator[str]:
    for node in module.nodes:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(source), level=0, names=names):
                yield from (f"{source}.{alias.name}" for alias in names)


def long_files(modules: tuple[Module, ...]) -> list[str]:
    """A file has at most 400 lines."""
    counted = {module.path: len(module.text.splitlines()) for module in modules}
    return [f"{path}: {lines} lines" for path, lines in counted.items() if lines > MAX_FILE_LINES]


def lines_of(function: Function) -> int:
    """Lines of a function without its docstring: a law's units and sources may be long."""
    first, last = function.body[0], function.end_lineno or function.lineno
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return last - function.lineno + 1 - docstring


def long_functions(modules: tuple[Module, ...]) -> list[str]:
    """A function has at most 60 lines beside its docstring."""
    return [
        f"{module.path}: {node.name} has {lines_of(node)} lines"
        for module in modules
        if not module.lives_in(MIGRATIONS)
        for node in module.nodes
        if isinstance(node, Function) and lines_of(node) > MAX_FUNCTION_LINES
    ]


def environment_readers(modules: tuple[Module, ...]) -> list[str]:
    """Only api/settings.py reads the environment."""
    strangers = [module for module in modules if not module.lives_in(ENVIRONMENT_HOMES)]
    readers = {"environ", "environb", "getenv", "getenvb"}
    faults = []
    for module in strangers:
        touched = {
            node.attr
            for node in module.nodes
            if isinstance(node, ast.Attribute) and name_of(node.value) == "os"
        }
        touched |= {name.removeprefix("os.") for name in imported_by(module) if name.startswith("os.")}
        faults += [f"{module.path}: os.{name}" for name in sorted(touched & readers)]
    return faults


def relative_imports(modules: tuple[Module, ...]) -> list[str]:
    """Every import names the whole path."""
    return [
        f"{module.path}:{node.lineno}"
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]


def kernels_without_twin(modules: tuple[Module, ...]) -> list[str]:
    """A kernel is called `*_kernel`, and its naive twin, without the suffix, stands in tests/reference."""
    functions = [(module, node) for module in modules for node in module.nodes if isinstance(node, Function)]
    twins = {node.name for module, node in functions if module.path.startswith("tests/reference/")}
    kernels = [
        (module, node.name)
        for module, node in functions
        if any(name_of(decorator) in KERNEL_DECORATORS for decorator in node.decorator_list)
    ]
    return [
        f"{module.path}: {name}"
        for module, name in kernels
        if not name.endswith("_kernel") or name.strip("_").removesuffix("_kernel") not in twins
    ]


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return name_of(value.func) in MUTABLE_CALLS
    return isinstance(value, MUTABLE_NODES)


def is_read_only(annotation: ast.expr | None) -> bool:
    """`Final[Mapping[...]]` and the like: the type checker refuses every change."""
    match annotation:
        case ast.Subscript(slice=ast.Subscript(value=promised)):
            return name_of(annotation.value) == "Final" and name_of(promised) in {"Mapping", "Sequence"}
    return False


def module_state(modules: tuple[Module, ...]) -> list[str]:
    """A module holds no list, dict or set that can change, and no function rebinds a global."""
    faults = []
    for module in modules:
        for node in ast.parse(module.text).body:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            exported = isinstance(node, ast.Assign) and any(name_of(t) == "__all__" for t in node.targets)
            promised = isinstance(node, ast.AnnAssign) and is_read_only(node.annotation)
            if is_mutable(value) and not (exported or promised):
                faults.append(f"{module.path}:{node.lineno}: a mutable value")
        faults += [
            f"{module.path}:{node.lineno}: global" for node in module.nodes if isinstance(node, ast.Global)
        ]
    return faults


def pydantic_outside_the_edge(modules: tuple[Module, ...]) -> list[str]:
    """pydantic stays in api/**/schemas.py and api/settings.py."""
    return [
        f"{module.path}: {name}"
        for module in modules
        for name in imported_by(module)
        if name.split(".")[0].startswith("pydantic") and not module.lives_in(PYDANTIC_HOMES)
    ]


RULES: tuple[Rule, ...] = (
    long_files,
    long_functions,
    environment_readers,
    relative_imports,
    kernels_without_twin,
    module_state,
    pydantic_outside_the_edge,
)
LONG_BODY = "def f():\n" + "    f()\n" * MAX_FUNCTION_LINES
LONG_DOCSTRING = 'def f():\n    """' + "Units.\n" * MAX_FUNCTION_LINES + '"""\n'
KERNEL = "@jit.kernel\ndef smooth_kernel(x):\n    return x\n"
TWIN = Module("tests/reference/smoothing.py", "def smooth(x):\n    return x\n")
OFFENDERS = (
    (long_files, "models/long.py", "x = 1\n" * (MAX_FILE_LINES + 1)),
    (long_functions, "api/long.py", LONG_BODY),
    (long_functions, "api/long.py", "class A:\n    async " + LONG_BODY.replace("\n", "\n    ")),
    (environment_readers, "api/app.py", "import os\nos.environ['A']\n"),
    (environment_readers, "models/a.py", "from os import getenv\n"),
    (relative_imports, "models/a.py", "from . import b\n"),
    (relative_imports, "models/a.py", "def f():\n    from ..b import c\n"),
    (kernels_without_twin, "models/a.py", KERNEL),
    (kernels_without_twin, "models/a.py", "@njit(cache=True)\ndef smooth(x):\n    return x\n"),
    (module_state, "models/a.py", "seen: Final = {}\n"),
    (module_state, "models/a.py", "NAMES = ['a']\n"),
    (module_state, "models/a.py", "NAMES: Final[list[str]] = ['a']\n"),
    (module_state, "models/a.py", "CACHE = collections.defaultdict(list)\n"),
    (module_state, "models/a.py", "def f():\n    global n\n    n = 1\n"),
    (pydantic_outside_the_edge, "optimizer/a.py", "from pydantic import BaseModel\n"),
    (pydantic_outside_the_edge, "api/planning/service.py", "import pydantic_core\n"),
)
INNOCENTS = (
    (long_functions, "models/a.py", LONG_DOCSTRING),
    (environment_readers, "api/settings.py", "import os\nos.environ['A']\n"),
    (kernels_without_twin, "models/a.py", KERNEL),
    (module_state, "models/a.py", "__all__ = ['a']\nA = MappingProxyType({})\nB = ('a',)\n"),
    (module_state, "models/a.py", "A: Final[Mapping[str, int]] = {'a': 1}\n"),
    (pydantic_outside_the_edge, "api/planning/schemas.py", "import pydantic\n"),
)
FORBIDDEN_IMPORTS = (
    ("models/a.py", "import optimizer"),
    ("models/a.py", "import pyomo.environ"),
    ("models/a.py", "import highspy"),
    ("models/a.py", "import sqlalchemy"),
    ("optimizer/a.py", "import api"),
    ("optimizer/a.py", "import benchmarks"),
    ("optimizer/a.py", "from fastapi import FastAPI"),
    ("optimizer/a.py", "import websockets"),
    ("api/ocpp/v16.py", "import api.ocpp.v201"),
    ("api/ocpp/v201.py", "import api.ocpp.v16"),
    ("api/ocpp/v21.py", "import api.ocpp.v201"),
    ("api/ocpp/since_v201/profiles.py", "import api.ocpp.v21"),
    ("api/ocpp/v201.py", "import api.ocpp.new_in_v21"),
    ("api/ocpp/session.py", "import optimizer"),
    ("api/ocpp/session.py", "import api.planning"),
    ("api/ocpp/session.py", "import api.stations"),
    ("api/ocpp/session.py", "import api.storage"),
    ("api/ocpp/session.py", "import sqlalchemy"),
)
DOMAINS = ("ocpp", "planning", "sites", "sessions", "forecasts", "pricing", "stations", "storage")
SKELETON = (
    *(f"{package}/__init__.py" for package in PACKAGES),
    *(f"api/{domain}/__init__.py" for domain in DOMAINS),
    "api/ocpp/v16.py",
    "api/ocpp/v201.py",
    "api/ocpp/v21.py",
    "api/ocpp/since_v201/__init__.py",
    "api/ocpp/new_in_v21/__init__.py",
    "api/ocpp/dialects.py",
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule):
    assert rule(modules_in(*PACKAGES, "tests/reference")) == [], rule.__doc__


def test_no_test_file_is_long():
    assert long_files(modules_in("tests")) == []


@pytest.mark.parametrize(("rule", "path", "text"), OFFENDERS)
def test_the_rule_bites_an_offender(rule, path, text):
    assert len(rule((Module(path, text),))) == 1


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENTS)
def test_the_rule_spares_an_innocent(rule, path, text):
    assert rule((Module(path, text), TWIN)) == []


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def skeleton(folder: Path) -> None:
    """Write the project's rooms, empty, with its contracts."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in SKELETON:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def test_every_import_contract_is_kept():
    outcome = lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_an_empty_project_breaks_no_contract(tmp_path):
    skeleton(tmp_path)
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize(("path", "statement"), FORBIDDEN_IMPORTS)
def test_a_forbidden_import_breaks_a_contract(path, statement, tmp_path):
    skeleton(tmp_path)
    (tmp_path / path).write_text(f"{statement}\n")
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 1
    assert "BROKEN" in outcome.stdout
