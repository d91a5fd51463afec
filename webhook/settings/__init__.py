"""The configuration file: read strictly, checked whole, turned into what the gate works with."""
