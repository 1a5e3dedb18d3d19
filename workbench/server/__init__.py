"""The server of the dashboards: Voila behind one door."""
