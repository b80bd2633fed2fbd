"""Knowledge stores, their items and collections of these, and responses out of them."""
