"""Daybook, a self-hosted operations console for mini programs."""

import logging

# What these say also reaches whoever asked, as a sentence: without a log file or a console it need not be printed too.
logging.getLogger("daybook").addHandler(logging.NullHandler())
