"""Code that runs inside the sandbox, under the build's own interpreter: standard library alone, Python 3.6 on."""
