"""The fault matrix: every platform, every moment, every fault, and always exactly one live credential."""
