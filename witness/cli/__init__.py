"""The program `wheelwitness`: one module a command, thin."""
