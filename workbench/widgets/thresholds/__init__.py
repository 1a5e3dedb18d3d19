"""The page *Thresholds*: what a score is worth."""
