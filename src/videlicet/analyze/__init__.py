"""From evidence to text: summaries, chapters, highlights, answers and structured output."""
