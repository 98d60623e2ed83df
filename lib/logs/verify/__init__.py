"""Verifying the operation log against its seals and the checkpoints kept outside of the database (SPEC O9)."""
