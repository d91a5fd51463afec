"""What already runs: the decisions that admission would make about it today."""
