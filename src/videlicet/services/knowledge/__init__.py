"""Knowledge stores: videos and pictures together, with what is known of them, and questions about
them."""
