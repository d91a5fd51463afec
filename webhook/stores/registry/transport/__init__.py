"""One HTTP exchange with a registry: addresses, bounds, redirects, and the ways in which it fails."""
