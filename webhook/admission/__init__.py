"""The flow of one review: decode, images, decide, record."""
