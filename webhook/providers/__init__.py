"""Who answers an evidence query."""
