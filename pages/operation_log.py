"""The operation log: who changed what, found by any of it, and one record in full (SPEC O4 to O7)."""

from lib.ui.operations import body, details, filter_bar, state
from lib.ui.page import open_page

console = open_page(__file__)

body.head(console)
shown = state.read(console)
filter_bar.period_row(console, shown)
body.record_reading(console, shown)
body.draw(console, shown)
if shown.operation is not None:
    details.show(console, shown)
