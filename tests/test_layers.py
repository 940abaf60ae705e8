# SPDX-License-Identifier: Apache-2.0
"""Reads every import of the package and holds the table of docs/explanation/architecture.md."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "policyctl"
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "migrations" not in p.parts)

# place -> (what of ours it may import, which third parties it may import)
TABLE: dict[str, tuple[set[str], set[str]]] = {
    "errors": (set(), set()),
    "faults": (set(), set()),
    "settings": ({"settings", "errors"}, set()),
    "core": ({"core", "errors"}, {"markdown_it", "deepdiff", "rapidfuzz", "ruamel"}),
    "reports": ({"core", "errors", "reports"}, {"babel", "jinja2", "markupsafe", "rich", "markdown_it"}),
    "adapters": (
        {"core", "errors", "faults", "adapters"},
        {
            "git", "gitdb", "sqlalchemy", "alembic", "psycopg", "sendgrid", "python_http_client", "httpx",
            "markdownify", "bs4", "email_validator", "weasyprint", "pyarrow",
            "duckdb", "sqlglot", "pyspark", "py4j", "itsdangerous",
        },
    ),
    "actions": ({"core", "reports", "adapters", "errors", "faults", "actions"}, set()),
    "wiring": ({"wiring", "settings", "adapters", "core", "errors"}, set()),
    "web": (
        {"web", "actions", "reports", "core", "errors"},
        {"starlette", "msgspec", "uvicorn", "anyio", "itsdangerous"},
    ),
    "cli": (
        {"cli", "web", "actions", "wiring", "reports", "core", "errors", "settings"},
        {"typer", "rich"},
    ),
    "api": ({"actions", "wiring", "core", "errors", "settings"}, set()),
    "client": ({"core", "errors"}, {"httpx"}),
    "testing": (
        {"testing", "api", "actions", "adapters", "wiring", "core", "errors"},
        {"pytest", "cryptography"},
    ),
    "__main__": ({"cli"}, set()),
    "__init__": ({"api", "core", "errors"}, set()),
    "sample": (set(), set()),
}  # fmt: skip

# The rooms of core/: each may use the ones before it, and the values that lie in core/ itself.
ROOMS = ("text", "formats", "diff", "judge", "notices", "use", "proof")

# The words themselves may be read by any floor, the work may not.
IMPURE_MODULES = {
    "os", "pathlib", "shutil", "subprocess", "socket", "sqlite3", "tempfile", "time", "random", "secrets",
    "uuid", "logging", "urllib.request", "http.client", "smtplib", "threading", "multiprocessing",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}


def place_of(path: Path) -> str:
    """The first part of the path below the package: a folder, or a module's own name."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING``: a name in a signature is no dependency."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        yield from at_run_time(child)


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in at_run_time(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.lineno, node.module or ""
            if node.module == "policyctl":
                yield from ((node.lineno, f"policyctl.{alias.name}") for alias in node.names)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports_in(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple(imports_of(tree_of(path)))


def names_of(path: Path) -> set[str]:
    return {name for _, name in imports_in(path)}


def foreign(name: str) -> str | None:
    """The third-party package a module name belongs to, or None."""
    top = name.split(".", maxsplit=1)[0]
    return None if top in sys.stdlib_module_names or top == "policyctl" else top


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_imports_only_what_its_floor_may(path: Path) -> None:
    place = place_of(path)
    assert place in TABLE, f"{relative(path)}: a new place needs a row in the table"
    ours, theirs = TABLE[place]
    for line, name in imports_in(path):
        if name.startswith("policyctl."):
            target = name.split(".")[1]
            assert target in ours or target == "__version__", f"{relative(path)}:{line} imports {name}"
        elif package := foreign(name):
            assert package in theirs, f"{relative(path)}:{line} imports {package}"


@pytest.mark.parametrize("path", [p for p in FILES if place_of(p) in {"core", "reports"}], ids=relative)
def test_core_and_reports_touch_nothing_outside(path: Path) -> None:
    for line, name in imports_in(path):
        assert name not in IMPURE_MODULES, f"{relative(path)}:{line} imports {name}"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name):
                assert called.id not in IMPURE_CALLS, f"{relative(path)}:{node.lineno} calls {called.id}"
            if isinstance(called, ast.Attribute):
                assert called.attr not in {
                    "now",
                    "utcnow",
                    "today",
                    "read_text",
                    "write_text",
                    "read_bytes",
                }, f"{relative(path)}:{node.lineno} calls {called.attr}"


def room_of(module: str) -> str:
    """``policyctl.core.diff.align`` -> ``diff``; '' for the values that lie in core/ itself."""
    parts = module.split(".")
    return parts[2] if len(parts) > 3 else ""


@pytest.mark.parametrize(
    "path", [p for p in FILES if place_of(p) == "core" and p.parent.name != "core"], ids=relative
)
def test_a_room_of_core_uses_only_the_rooms_before_it(path: Path) -> None:
    room = path.relative_to(PACKAGE / "core").parts[0]
    open_to = ROOMS[: ROOMS.index(room) + 1]
    for line, name in imports_in(path):
        if name.startswith("policyctl.core.") and (other := room_of(name)):
            assert other in open_to, f"{relative(path)}:{line} imports {name}"


# The rooms of adapters/ whose files know each other, and those that may look into another's.
SIDEWAYS = {
    "mail": {"mail"}, "ledger": {"ledger", "tables"}, "tables": {"tables"}, "posting": {"posting"},
    "bulk": {"bulk"}, "repository": {"repository"},
}  # fmt: skip


def allowed_sideways(importer: Path, imported: str) -> bool:
    """Adapters do not know each other, but for the files of one room."""
    room = importer.relative_to(PACKAGE / "adapters").parts[0]
    return imported.split(".")[2] in SIDEWAYS.get(room, set())


@pytest.mark.parametrize("path", [p for p in FILES if place_of(p) == "adapters"], ids=relative)
def test_adapters_do_not_know_each_other(path: Path) -> None:
    for line, name in imports_in(path):
        if name.startswith("policyctl.adapters."):
            assert allowed_sideways(path, name), f"{relative(path)}:{line} imports {name}"


def top_level_imports(path: Path) -> Iterator[str]:
    for node in tree_of(path).body:
        if not isinstance(node, ast.FunctionDef):
            yield from (name for _, name in imports_of(ast.Module([node], [])))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {module_name(p): set(top_level_imports(p)) for p in FILES}
    graph = {m: {t for t in targets if t in graph and t != m} for m, targets in graph.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


@pytest.mark.parametrize("floor", ["core", "reports", "adapters", "adapters.ledger", "actions"])
def test_no_two_rooms_of_a_floor_need_each_other(floor: str) -> None:
    """Each room can be understood after those it uses: an order of all rooms of the floor exists."""
    inside = f"policyctl.{floor}."
    needs: dict[str, set[str]] = {}
    for module in (
        m for m in map(module_name, FILES) if m.startswith(inside) and m.count(".") > inside.count(".")
    ):
        needs.setdefault(module.removeprefix(inside).split(".")[0], set())
    for path in FILES:
        room = module_name(path).removeprefix(inside).split(".")[0]
        if module_name(path).startswith(inside) and room in needs:
            used = {
                name.removeprefix(inside).split(".")[0] for name in names_of(path) if name.startswith(inside)
            }
            needs[room] |= {other for other in used if other in needs and other != room}
    tuple(TopologicalSorter(needs).static_order())  # CycleError names the rooms


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400, f"{relative(path)} has {text.count(chr(10))} lines"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or 0) - node.lineno + 1
            assert size <= 60, f"{relative(path)}:{node.lineno} {node.name} has {size} lines"


def test_most_functions_are_short() -> None:
    sizes = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert sizes[len(sizes) // 2] <= 10


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    import subprocess

    heavy = [
        "git", "deepdiff", "sqlalchemy", "alembic", "sendgrid", "httpx", "jinja2", "rapidfuzz", "markdown_it",
        "ruamel.yaml", "pydantic", "markdownify", "babel", "weasyprint", "pyarrow",
        "starlette", "uvicorn", "msgspec", "policyctl.web.app", "duckdb", "sqlglot", "itsdangerous",
        "pyspark",
    ]  # fmt: skip
    code = f"import sys, policyctl.cli.app; print([m for m in {heavy!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
