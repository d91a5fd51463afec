"""Plumbing towards the API server: client, reflector, Events."""
