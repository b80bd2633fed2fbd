"""Where language models are: behind an HTTP endpoint, in this process, or made up for tests."""
