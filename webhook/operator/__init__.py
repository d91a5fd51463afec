"""The operator: keeps certificates current, and writes what it finds in ExecutionEvidence resources."""
