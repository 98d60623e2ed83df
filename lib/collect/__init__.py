"""How things come in: file importers, and the routes that clients send to, onto one inbox."""
