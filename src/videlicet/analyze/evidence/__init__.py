"""Evidence: all that the models said of a stretch of video, as pieces that can be cited."""
