"""What a court can check: the signed archive of a case, its report and drawings."""
