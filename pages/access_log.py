"""The access log: who came in and from where, by visits and by attempts to sign in (SPEC L1, L2)."""

from lib.ui.access_log import body
from lib.ui.page import open_page

console = open_page(__file__)

body.draw(console)
