"""Programs in the shape that STruC++ gives them."""
