"""How the counting stands: how new the figures are, what waits, what ran (SPEC T5, P5)."""

from lib.ui import address, blocks, cards, filters, reconciling, runs
from lib.ui.page import open_page
from lib.ui.tables import Column, Kind, section

LEDGER_COLUMNS = (
    Column("bucket_at", "status.bucket_at", Kind.INSTANT),
    Column("rows_added", "status.rows_added", Kind.COUNT),
    Column("rows_late", "status.rows_late", Kind.COUNT),
    Column("rows_duplicate", "status.rows_duplicate", Kind.COUNT),
    Column("rows_excluded", "status.rows_excluded", Kind.COUNT),
    Column("rows_expired", "status.rows_expired", Kind.COUNT),
    Column("recorded_at", "status.recorded_at", Kind.INSTANT),
    Column("publication", "status.publication", Kind.COUNT),
)

console = open_page(__file__)

freshness = console.status.freshness()
blocks.head(console, "page.status", freshness.as_of)
cards.freshness_cards(console, freshness)

period = filters.period(console)
address.write(zone=period.zone)
reconciling.came_in(console, period)
reconciling.recount(console, period)

zone = period.zone
runs.section(console, zone)
section(console, "status.ledger", "ledger", lambda: console.status.ledger(), LEDGER_COLUMNS, "status.no_ledger", zone)
