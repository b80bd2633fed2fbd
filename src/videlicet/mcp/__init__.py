"""The tools that agents use over the Model Context Protocol, and how they are served."""
