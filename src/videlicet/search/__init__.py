"""Questions to moments: encode, run the lanes, fuse, cut into moments, explain."""
