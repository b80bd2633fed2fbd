"""What the server and its worker tell of themselves: logs and traces. Neither holds content, names
of files, keys, words of queries, or addresses."""
