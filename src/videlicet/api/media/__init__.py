"""What players and pages load by signed addresses: videos, cut as they are asked for, and
stills."""
