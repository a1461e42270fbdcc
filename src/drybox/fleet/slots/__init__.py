"""Who gets the next slot: at a front door, and at a node that several of them use."""
