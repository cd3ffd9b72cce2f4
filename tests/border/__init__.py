"""What is called at the border, with what, and how an answer or a refusal is read back."""
