"""The operation log: who changed what, found by any of it, one record in full, and the proof (SPEC O4 to O7, O9)."""

from lib.ui.operations import body, details, proving, state
from lib.ui.page import open_page

console = open_page(__file__)

body.head(console)
shown = state.read(console)
tab, container = body.tab(console)
with container:
    if tab == "proof":
        proving.section(console, shown)
    else:
        body.period_row(console, shown)
        body.record_reading(console, shown)
        body.draw(console, shown)
if shown.operation is not None:
    details.show(console, shown)
