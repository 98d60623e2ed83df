"""What the pages of logs have in common: a period, filters, a histogram, facets, a list of records, its columns."""
