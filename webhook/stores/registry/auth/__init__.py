"""Who we are to a registry: where credentials come from, and where they may go."""
