"""poise: multi-asset portfolios that hold their balance while things move."""
