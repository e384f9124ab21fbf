"""Store adapters, one folder each."""
