"""Where envelopes lie. A store finds bytes and says nothing about their truth."""
