"""Who may do what: values and rules, without a database."""
