"""Reading what cameras recorded: catalogues, frames, movement."""
