"""Pure decisions: metadata in, a gate result out. No IO, no clock."""
