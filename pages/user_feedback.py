"""What users of a mini program complain about and wish for, and the logs that came with it (SPEC F1 to F4)."""

from lib.ui import blocks
from lib.ui.feedback import body
from lib.ui.page import open_page

console = open_page(__file__)

blocks.head(console, "page.user_feedback")
body.draw(console)
