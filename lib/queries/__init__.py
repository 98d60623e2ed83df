"""What is asked for by somebody: the only place that reads rows for a viewer."""
