"""The record of what was done: one function writes it."""
