"""Answers, summaries and data from what was observed of videos and pictures."""
