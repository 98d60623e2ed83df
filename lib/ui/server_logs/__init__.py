"""The page of server logs: health, the types, and one type with its entries, its files and its rule."""
