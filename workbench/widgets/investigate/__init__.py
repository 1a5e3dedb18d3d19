"""The page *Investigate*: the question, the answer, and what people think of it."""
