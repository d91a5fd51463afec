"""Where decision records go: chained, perhaps signed, to standard output, a file, a collector."""
