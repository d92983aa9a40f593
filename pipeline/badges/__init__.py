"""Our own issuer: the credentials that Confer signs by itself, in the open format that anybody can check."""
