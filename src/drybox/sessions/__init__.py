"""Sessions: sandboxes that their owner keeps."""
