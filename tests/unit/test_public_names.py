"""What is public is said in `__all__`, and nothing else is; no module hides behind a name that its package exports."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from functools import cache
from pathlib import Path

import pytest

import sendoka

PACKAGE = Path(sendoka.__file__).parent


@cache
def modules() -> list[str]:
    return [name for _, name, _ in pkgutil.walk_packages(sendoka.__path__, "sendoka.")]


def source_of(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def is_package(module: str) -> bool:
    return (PACKAGE.parent / module.replace(".", "/")).is_dir()


def public_definitions(tree: ast.Module) -> set[str]:
    """Return the names without an underscore that classes and functions of a module's top level have."""
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }


@pytest.mark.parametrize("module", modules())
def test_a_module_exports_exactly_what_it_defines(module: str) -> None:
    loaded = importlib.import_module(module)
    tree = source_of(module)
    if tree.body[1:]:  # more than a docstring
        assert hasattr(loaded, "__all__"), f"{module} has no __all__"
    exported = getattr(loaded, "__all__", [])
    assert len(exported) == len(set(exported))
    for name in exported:
        assert hasattr(loaded, name), f"{module}.__all__ names {name}, which does not exist"
    missing = public_definitions(tree) - set(exported)
    assert not missing, f"{module} defines {sorted(missing)} in public: export them or begin them with an underscore"


@pytest.mark.parametrize("module", modules())
def test_every_module_and_every_export_says_what_it_is(module: str) -> None:
    tree = source_of(module)
    assert ast.get_docstring(tree), f"{module} has no docstring"
    exported = getattr(importlib.import_module(module), "__all__", [])
    silent = [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name in exported
        and not ast.get_docstring(node)
        and not any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list)
    ]
    assert not silent, f"{module}: no docstring on {silent}"


@pytest.mark.parametrize("package", ["sendoka", *(name for name in modules() if is_package(name))])
def test_no_module_is_named_like_something_its_package_exports(package: str) -> None:
    folder = PACKAGE.parent / package.replace(".", "/")
    names = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert names.isdisjoint(set(getattr(importlib.import_module(package), "__all__", [])) - {"__version__"})


class TestTheFrontDoor:
    def test_exports_what_it_says_and_each_name_is_the_thing_itself(self) -> None:
        for name in sendoka.__all__:
            value = getattr(sendoka, name)
            if name != "__version__":
                home = importlib.import_module(sendoka._HOME[name])
                assert value is getattr(home, name)

    def test_has_one_list_of_names(self) -> None:
        assert set(sendoka._HOME) | {"__version__"} == set(sendoka.__all__)
        assert sorted(sendoka.__all__) == sendoka.__all__

    def test_tells_a_type_checker_the_same_names(self) -> None:
        tree = ast.parse(Path(sendoka.__file__).read_text(encoding="utf-8"))
        checked = {
            alias.asname: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.asname
        }
        assert checked == sendoka._HOME

    def test_lists_its_names_before_they_are_used(self) -> None:
        assert set(sendoka.__all__) <= set(dir(sendoka))

    def test_does_not_know_a_name_that_does_not_exist(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            sendoka.nothing  # noqa: B018 - looking it up is the test
