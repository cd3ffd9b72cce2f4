"""The nouns that cross rooms: plain, frozen, without behaviour that needs a room."""
