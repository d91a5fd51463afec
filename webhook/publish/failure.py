"""What keeps evidence from being published, beside what keeps a registry or a cluster from being asked."""


class PublishError(ValueError):
    """The evidence cannot be published in this way. The text is a clause of ours."""
