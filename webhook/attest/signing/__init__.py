"""A statement in, signed evidence out."""
