"""From token ids to logits: batches, and the engines that run them."""
