"""The page of the access log: visits, and attempts to sign in."""
