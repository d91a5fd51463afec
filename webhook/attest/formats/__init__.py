"""The formats of profiles, each parsed by a module of its own."""
