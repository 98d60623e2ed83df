"""The parts of the page of user feedback: its state, filters, trend, list, details, uploaded logs (SPEC F1 to F4)."""
