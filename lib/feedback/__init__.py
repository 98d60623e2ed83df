"""User feedback: its types and kinds, its records, and the files that come with it."""
