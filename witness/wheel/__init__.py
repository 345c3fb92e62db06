"""Reads a wheel strictly, without running or extracting anything. Pure: bytes in, values or an error out."""
