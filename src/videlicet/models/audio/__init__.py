"""What can be heard: speech, words, and what something sounds like."""
