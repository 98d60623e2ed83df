"""The acts that the sources record, read without running them: every `Act(...)`, with what its callers pass to it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from tests.house.source import Source

NAMES = ("module", "action", "operation_class", "object_type", "object_name", "object_id", "old", "new", "content")
"""What `Act` takes by position."""

_TOLD = ("module", "submodule", "action", "operation_class", "object_type")

Texts = frozenset[str] | None
"""What an expression can be; null where it cannot be told without running it."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Recorded:
    """An act in the sources. Null in `key`, and in the others, stands for what cannot be told."""

    place: str
    key: tuple[str | None, str | None, str | None]
    classes: Texts
    objects: Texts


class Acts:
    """The acts of some files."""

    def __init__(self, files: Sequence[Source]) -> None:
        self._files = [_File(file) for file in files]

    def __iter__(self) -> Iterator[Recorded]:
        for file in self._files:
            for call in file.calls_of("Act", is_method=False):
                yield from self._recorded(file, call)

    def _recorded(self, file: _File, call: ast.Call) -> Iterator[Recorded]:
        said = dict(zip(NAMES, call.args, strict=False)) | {word.arg or "**": word.value for word in call.keywords}
        told = {name: said.get(name, ast.Constant("")) for name in _TOLD}
        for bound in self._bindings(file, call, told.values(), ()):
            texts = {name: self._texts(file, value, call, bound) for name, value in told.items()}
            for key in product(*(sorted(texts[name] or ()) or [None] for name in _TOLD[:3])):
                place = f"{file.source.place}:{call.lineno}"
                yield Recorded(place, (key[0], key[1], key[2]), texts["operation_class"], texts["object_type"])

    def _bindings(
        self, file: _File, at: ast.AST, values: Iterable[ast.expr], seen: tuple[str, ...]
    ) -> list[Mapping[str, Texts]]:
        """What the parameters that some expressions name are, at each place that calls the function they stand in."""
        function = file.function_of(at)
        needed = {node.id for value in values for node in ast.walk(value) if isinstance(node, ast.Name)}
        if function is None or function.name in seen:
            return [{}]
        names, defaults = _parameters(function)
        if needed.isdisjoint([*names, *defaults]):
            return [{}]
        unsaid = {name: self._texts(file, value, function, {}) for name, value in defaults.items() if name in needed}
        is_method = names[:1] in (["self"], ["cls"])
        found: list[Mapping[str, Texts]] = []
        for caller in [file] if function.name.startswith("_") else self._files:
            for call in caller.calls_of(function.name, is_method=is_method):
                given = dict(zip(names[is_method:], call.args, strict=False))
                given |= {word.arg or "**": word.value for word in call.keywords}
                given = {name: value for name, value in given.items() if name in needed}
                for bound in self._bindings(caller, call, given.values(), (*seen, function.name)):
                    here = {name: self._texts(caller, value, call, bound) for name, value in given.items()}
                    if unsaid | here not in found:
                        found.append(unsaid | here)
        return found or [{}]

    def _texts(self, file: _File, value: ast.expr, at: ast.AST, bound: Mapping[str, Texts]) -> Texts:
        if isinstance(value, ast.Constant):
            return frozenset({value.value}) if isinstance(value.value, str) else None
        if isinstance(value, ast.IfExp):
            either = [self._texts(file, each, at, bound) for each in (value.body, value.orelse)]
            return None if None in either else frozenset().union(*(each or () for each in either))
        if isinstance(value, ast.Name):
            if value.id in bound:
                return bound[value.id]
            for assigned in file.assignments(value.id, file.function_of(at)):
                return self._texts(file, assigned, at, bound)
        return None


@dataclass(frozen=True)
class _File:
    source: Source

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.source.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def _calls(self) -> dict[tuple[bool, str], list[ast.Call]]:
        found: dict[tuple[bool, str], list[ast.Call]] = {}
        for node in self.parents:
            if isinstance(node, ast.Call):
                is_method = isinstance(node.func, ast.Attribute)
                name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
                found.setdefault((is_method, name), []).append(node)
        return found

    def calls_of(self, name: str, *, is_method: bool) -> list[ast.Call]:
        # Most files need not be parsed.
        return self._calls.get((is_method, name), []) if f"{name}(" in self.source.text else []

    def function_of(self, node: ast.AST) -> Function | None:
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                return node
        return None

    def assignments(self, name: str, function: Function | None) -> Iterator[ast.expr]:
        for node in ast.walk(function or self.source.tree):
            if isinstance(node, ast.Assign) and [getattr(each, "id", None) for each in node.targets] == [name]:
                yield node.value


def _parameters(function: Function) -> tuple[list[str], dict[str, ast.expr]]:
    positional = [*function.args.posonlyargs, *function.args.args]
    names = [each.arg for each in positional]
    defaults = dict(zip(names[len(names) - len(function.args.defaults) :], function.args.defaults, strict=True))
    keywords = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return names, defaults | {each.arg: value for each, value in keywords if value is not None}
