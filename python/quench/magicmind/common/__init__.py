"""Stands for `magicmind.python.common`."""
