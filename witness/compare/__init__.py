"""Holds two wheels against each other and says how equal they are. Pure."""
