"""Asking for work: tasks made, followed, cancelled and tried again, and the workers started that do
them."""
