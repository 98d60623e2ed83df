"""How tables are taken away: each format one record."""
