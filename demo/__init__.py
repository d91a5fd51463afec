"""The main job in a minute: `make demo`, or `python -m demo`."""
