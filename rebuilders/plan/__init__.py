"""From facts to recipes: rule tables per backend and era, and inference that says why. Pure."""
