"""Find any moment in video, on your own machine."""
