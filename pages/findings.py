"""What the rules that watch the operation log found, and the rules themselves (SPEC O10)."""

from lib.access.permissions import Permission
from lib.ui import filters
from lib.ui.findings import details, listing, rules
from lib.ui.page import open_page

console = open_page(__file__)

listing.head(console)
details.notice(console)
manages = console.viewer.allows(Permission.FINDING_MANAGE)
tab, container = filters.tab(console, ("list", "rules") if manages else ("list",))
with container:
    if tab == "rules":
        rules.draw(console)
    else:
        listing.draw(console)
        details.show(console)
