"""Bodies of requests and answers, as the published description shows them."""
