"""The reviewers' page: faces compared blind with the subject's photographs, and decided on."""
