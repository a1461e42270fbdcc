"""One execution: validation, phases, outcome."""
