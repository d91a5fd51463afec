"""Hypothesis without a deadline: a shared machine's pauses are no finding."""

from hypothesis import settings

settings.register_profile("fuzz", deadline=None)
settings.load_profile("fuzz")
