"""IA-32 for the laboratory: where things lie, what states hold, what is run, and running it,
without and with VMX."""
