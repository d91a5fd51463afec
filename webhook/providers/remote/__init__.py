"""Providers elsewhere: a Decision Gate, another gate of ours, or a bare provider."""
