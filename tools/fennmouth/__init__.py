"""The renderer of the fictional town: who made the files of `data/demo`, and how."""
