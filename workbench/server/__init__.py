"""Server of the dashboards: Voila behind one check of access."""
