"""Where attestations lie: every layout in use, read and sorted."""
