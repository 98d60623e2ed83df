"""global_overview."""

from lib.ui.page import open_page

console = open_page(__file__)
