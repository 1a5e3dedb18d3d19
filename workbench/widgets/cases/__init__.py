"""The page of the cases: requested, approved, declined, closed, and who their members are."""
