"""The pages, each one record: the menu, the refusal and `open_page` read the same tuple."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from lib.access.permissions import Permission
from lib.access.viewer import Viewer


@dataclass(frozen=True)
class PageRecord:
    """A page; its words are `page.<key>` and `section.<section>`. Any one of `permissions` opens it."""

    key: str
    icon: str
    section: str
    permissions: frozenset[Permission]

    @property
    def path(self) -> str:
        """The page's file, from the project's folder."""
        return f"pages/{self.key}.py"

    @property
    def url_path(self) -> str:
        """The page's address, after the host."""
        return self.key

    @property
    def title(self) -> str:
        """The catalogue key of its title."""
        return f"page.{self.key}"

    def is_open_to(self, viewer: Viewer) -> bool:
        """Whether the viewer holds a permission that opens the page."""
        return not self.permissions.isdisjoint(viewer.permissions)


_USAGE = frozenset({Permission.USAGE_READ})
_ACCESS = frozenset({Permission.VISIT_READ, Permission.SIGN_IN_READ})
_MANAGING = frozenset(
    {
        Permission.CATALOGUE_MANAGE,
        Permission.ACCOUNT_MANAGE,
        Permission.ROLE_MANAGE,
        Permission.INGEST_KEY_MANAGE,
        Permission.EXCLUSION_MANAGE,
        Permission.TENANT_MANAGE,
    }
)

PAGES = (
    PageRecord("global_overview", ":material/monitoring:", "usage", _USAGE),
    PageRecord("data_dashboard", ":material/bar_chart:", "usage", _USAGE),
    PageRecord("mini_programs", ":material/widgets:", "usage", _USAGE),
    PageRecord("user_feedback", ":material/feedback:", "usage", frozenset({Permission.FEEDBACK_READ})),
    PageRecord("operation_log", ":material/history:", "logs", frozenset({Permission.OPERATION_LOG_READ})),
    PageRecord("access_log", ":material/travel_explore:", "logs", _ACCESS),
    PageRecord("findings", ":material/notification_important:", "logs", frozenset({Permission.FINDING_READ})),
    PageRecord("server_logs", ":material/terminal:", "logs", frozenset({Permission.SERVER_LOG_READ})),
    PageRecord("administration", ":material/manage_accounts:", "keeping", _MANAGING),
    PageRecord("status", ":material/vital_signs:", "keeping", frozenset({Permission.STATUS_READ})),
)
"""In the order of the menu. The first that a viewer may open is their first page."""


def page_of(file: str) -> PageRecord:
    """The record of a page's file. Raises LookupError for a file that has none: add it to PAGES."""
    key = PurePath(file).stem
    for page in PAGES:
        if page.key == key:
            return page
    raise LookupError(f"{key}.py has no record in lib/ui/pages.py")
