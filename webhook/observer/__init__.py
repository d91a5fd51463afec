"""What runs in a staging environment, watched by a profile server, becomes signed evidence by itself."""
