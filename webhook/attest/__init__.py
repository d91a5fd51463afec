"""Profiles in, signed evidence out."""
