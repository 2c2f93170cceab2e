"""A file imports from its own floor or lower ones, as docs/architecture.md draws them."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
OURS = ("app", "chalicelib", "scaler", "nodes", "ops", "tests")


def module_of(source: Path) -> str:
    """The dotted name that a file is imported by."""
    parts = source.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_in(tree: ast.AST, module: str = "") -> Iterator[str]:
    """Every module named by an import anywhere in the file, those inside functions and for type checks included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            assert node.module is not None
            # `from package import module` names the module; `from module import name` names the module too.
            yield from (_deepest(node.module, alias.name) for alias in node.names)


def _deepest(package: str, name: str) -> str:
    as_module = PROJECT.joinpath(*package.split("."), f"{name}.py")
    as_package = PROJECT.joinpath(*package.split("."), name, "__init__.py")
    return f"{package}.{name}" if as_module.exists() or as_package.exists() else package


def imports_of(source: Path) -> set[str]:
    return set(imports_in(ast.parse(source.read_text(encoding="utf-8")), module_of(source)))


def sources_below(*folders: str) -> list[Path]:
    found = [source for folder in folders for source in sorted((PROJECT / folder).rglob("*.py"))]
    assert found, folders
    return found


def is_below(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def ours(modules: set[str]) -> set[str]:
    return {module for module in modules if module.split(".")[0] in OURS}


def by_name(source: Path) -> str:
    return module_of(source)


@pytest.mark.parametrize("source", sources_below("chalicelib/domain"), ids=by_name)
def test_the_domain_imports_itself_and_the_standard_library(source: Path) -> None:
    imported = imports_of(source)
    assert {module for module in ours(imported) if not is_below(module, "chalicelib.domain")} == set()
    assert {
        module for module in imported - ours(imported) if module.split(".")[0] not in sys.stdlib_module_names
    } == set()


FORBIDDEN_MODULES = (
    *("time", "random", "secrets", "uuid", "os", "io", "pathlib", "socket", "ssl", "subprocess", "threading"),
    *("asyncio", "logging", "tempfile", "shutil", "urllib", "http", "multiprocessing", "concurrent", "sys"),
)
FORBIDDEN_CALLS = ("now", "utcnow", "today", "open", "print", "input", "getenv")


def effects_in(tree: ast.AST) -> set[str]:
    """What in a file reaches for a clock, for chance, for the environment or for the world."""
    modules = {module for module in imports_in(tree) if is_below(module, *FORBIDDEN_MODULES)}
    calls = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for name in [getattr(node.func, "attr", getattr(node.func, "id", ""))]
        if name in FORBIDDEN_CALLS
    }
    return modules | calls


@pytest.mark.parametrize("source", sources_below("chalicelib/domain"), ids=by_name)
def test_the_domain_has_no_clock_no_chance_no_environment_and_no_effects(source: Path) -> None:
    assert effects_in(ast.parse(source.read_text(encoding="utf-8"))) == set()


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "from datetime import datetime\ndatetime.now()",
        "import os.path",
        "from random import choice",
        "open('a')",
    ],
)
def test_an_effect_is_seen(code: str) -> None:
    assert effects_in(ast.parse(code))


@pytest.mark.parametrize("source", sources_below("chalicelib/services"), ids=by_name)
def test_services_import_the_domain_and_the_standard_library(source: Path) -> None:
    imported = imports_of(source)
    assert {m for m in ours(imported) if not is_below(m, "chalicelib.domain", "chalicelib.services")} == set()
    assert {m for m in imported - ours(imported) if m.split(".")[0] not in sys.stdlib_module_names} == set()


SHARED_BY_ADAPTERS = "chalicelib.adapters.deadline_sockets"  # knows no outside thing, only sockets

DECODING = (
    *("inspector", "inspect_child", "child_limits"),
    *("renderer", "render_child", "first_frames", "held_frames", "rendition_pixels", "colour_profiles", "webp_frames"),
)


def household_of(module: str) -> str:
    """What an adapter may share with: its package, what decodes images with it, the client of the nodes' adapter."""
    parts = module.split(".")
    if len(parts) > 3:
        return ".".join(parts[:3])
    households = dict.fromkeys(DECODING, "decoding_children") | {"memcached_client": "memcached"}
    return ".".join([*parts[:-1], households.get(parts[-1], parts[-1])])


@pytest.mark.parametrize("source", sources_below("chalicelib/adapters"), ids=by_name)
def test_adapters_import_the_domain_and_no_other_adapter(source: Path) -> None:
    module = module_of(source)
    assert {
        imported
        for imported in ours(imports_of(source))
        if not is_below(imported, "chalicelib.domain", SHARED_BY_ADAPTERS)
        and household_of(imported) != household_of(module)
    } == set()


@pytest.mark.parametrize("source", sources_below("chalicelib/web"), ids=by_name)
def test_the_web_imports_services_domain_and_what_bootstrap_gives(source: Path) -> None:
    allowed = (
        "chalicelib.web",
        "chalicelib.services",
        "chalicelib.domain",
        "chalicelib.bootstrap",
        "chalicelib.config",
    )
    assert {module for module in ours(imports_of(source)) if not is_below(module, *allowed)} == set()


@pytest.mark.parametrize("source", sources_below("chalicelib"), ids=by_name)
def test_the_application_never_imports_the_scaler_the_nodes_or_the_operators_commands(source: Path) -> None:
    assert {module for module in ours(imports_of(source)) if not is_below(module, "chalicelib")} == set()


@pytest.mark.parametrize("source", sources_below("scaler"), ids=by_name)
def test_the_scaler_imports_the_domain_and_itself(source: Path) -> None:
    assert {m for m in ours(imports_of(source)) if not is_below(m, "scaler", "chalicelib.domain")} == set()


def test_nodes_are_an_island() -> None:
    for source in (PROJECT / "nodes").rglob("*.py"):
        assert ours(imports_of(source)) <= {module for module in imports_of(source) if is_below(module, "nodes")}
    for script in (PROJECT / "nodes").rglob("*.sh"):
        text = script.read_text(encoding="utf-8")
        assert not any(name in text for name in ("chalicelib", "scaler", "ops.")), script


def test_only_the_app_and_the_operators_commands_know_both_application_and_scaler() -> None:
    both = {
        module_of(source)
        for source in [PROJECT / "app.py", *sources_below("chalicelib", "scaler", "ops")]
        if any(is_below(module, "scaler") for module in imports_of(source))
        and any(
            is_below(module, "chalicelib") and not is_below(module, "chalicelib.domain")
            for module in imports_of(source)
        )
    }
    assert {module for module in both if module != "app" and not is_below(module, "ops")} == set()
    assert "app" in both


def test_nothing_but_tests_imports_tests() -> None:
    for source in [PROJECT / "app.py", *sources_below("chalicelib", "scaler", "ops")]:
        assert {module for module in imports_of(source) if is_below(module, "tests")} == set(), source


def test_an_import_inside_a_function_or_by_name_is_seen() -> None:
    tree = ast.parse("def f():\n    from chalicelib.adapters import s3_objects\n    import scaler.run")
    assert set(imports_in(tree)) == {"chalicelib.adapters.s3_objects", "scaler.run"}
