"""The gate: every public method of a query class names its permission, or the class cannot be defined."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import NotPermitted
from lib.store import Store

P = ParamSpec("P")
R = TypeVar("R")
Q = TypeVar("Q", bound="ViewerQueries")


def needs(
    permission: Permission,
) -> Callable[[Callable[Concatenate[Q, P], R]], Callable[Concatenate[Q, P], R]]:
    """Let a query class's method run only for a viewer with the permission. It raises NotPermitted for others."""

    def gated(method: Callable[Concatenate[Q, P], R]) -> Callable[Concatenate[Q, P], R]:
        @wraps(method)
        def asked(self: Q, *args: P.args, **kwargs: P.kwargs) -> R:
            self._renew()
            if not self.viewer.allows(permission):
                raise NotPermitted(permission=permission.value)
            return method(self, *args, **kwargs)

        asked.permission = permission  # type: ignore[attr-defined]
        return cast(Callable[Concatenate[Q, P], R], asked)

    return gated


def own(method: Callable[Concatenate[Q, P], R]) -> Callable[Concatenate[Q, P], R]:
    """Mark a method that answers only about the viewer's own account, which needs no permission."""

    @wraps(method)
    def asked(self: Q, *args: P.args, **kwargs: P.kwargs) -> R:
        self._renew()
        return method(self, *args, **kwargs)

    asked.permission = None  # type: ignore[attr-defined]
    return cast(Callable[Concatenate[Q, P], R], asked)


class ViewerQueries:
    """What one viewer may ask of one room. A subclass with a public method that names no permission fails at import."""

    _entry: Callable[[], Viewer] | None = None

    def __init__(self, viewer: Viewer, store: Store) -> None:
        self.viewer = viewer
        self.store = store

    def renewed_by(self, entry: Callable[[], Viewer] | None) -> Self:
        """Ask, before each method, who the viewer is by then: what an old run left behind ends with its session."""
        self._entry = entry
        return self

    def _renew(self) -> None:
        if self._entry is not None:
            self.viewer = self._entry()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, member in vars(cls).items():
            asked = isinstance(member, (classmethod, staticmethod, property)) or callable(member)
            if asked and not name.startswith("_") and not hasattr(member, "permission"):
                raise TypeError(f"{cls.__name__}.{name} names no permission: mark it with @needs")
