"""Stand-ins of the outside systems as real servers: for the demo, for rehearsals and for the fault tests.

The sandbox is an independent twin, written from the vendors' contracts. It imports nothing of the product:
sharing code with it would hide the product's own errors.
"""
