"""Evidence: the signed archive of a case, its report and its drawings."""
