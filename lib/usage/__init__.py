"""What a mini program's users did: events, the lake that keeps them, the tables that count them."""
