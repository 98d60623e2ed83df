"""`python -m lib.cli`, for where the `daybook` script is not on the path."""

from lib.cli import main

main(prog_name="daybook")
