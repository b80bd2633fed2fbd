"""What players and pages load by signed addresses: films, cut as they are asked for, and stills."""
