"""Pure data: references, statements, queries and results, gate contexts, decision records. No IO."""
