"""`evidence_query` as a service: one desk that answers, and the surfaces over it."""
