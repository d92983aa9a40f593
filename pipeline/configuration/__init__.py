"""What an operator writes in `config/`: validated as a whole, every fault at once, with file and line."""
