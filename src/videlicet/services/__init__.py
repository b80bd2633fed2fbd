"""What the platform can do, as plain functions over records: the rooms above (the façade for
Python, HTTP, agents) only translate between their callers and these."""
