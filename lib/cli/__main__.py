"""`python -m lib.cli`, for where the `daybook` script is not on the path."""

from lib.cli import main

if __name__ == "__main__":  # processes that a command starts load this too
    main(prog_name="daybook")
