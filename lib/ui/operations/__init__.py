"""The parts of the operation log's page: filters, facets, list, details, proof (SPEC O4 to O7, O9)."""
