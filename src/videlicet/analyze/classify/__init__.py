"""Classification with labels of the user's own, by description and from examples."""
