"""What a field asks for, and what the evidence says of it."""
