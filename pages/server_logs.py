"""What the servers say: the system's health, nine types of log, their entries, files and rules (SPEC V1 to V5)."""

from lib.ui.page import open_page
from lib.ui.server_logs import body, state

console = open_page(__file__)

shown = state.read(console)
body.head(console, shown)
body.draw(console, shown)
