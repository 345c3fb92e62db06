"""Sphinx: MyST pages, the built-in theme, and nothing that reaches the network."""

# ruff: noqa: INP001 - Sphinx reads this file by its path

from importlib.metadata import version as version_of

project = "wheelwitness"
author = "The wheelwitness developers"
release = version = version_of("wheelwitness")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4

# The schemas of our JSON, at the top of the site.
html_extra_path = ["../witness/report/schemas", "../rebuilders/schemas"]

html_theme = "alabaster"
html_theme_options = {"fixed_sidebar": True, "page_width": "70rem"}
html_show_copyright = False
