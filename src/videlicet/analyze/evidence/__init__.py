"""Evidence: all that the models said of a stretch of video, as items that can be cited."""
