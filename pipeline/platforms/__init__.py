"""The credential platforms: one file each, every one a `pipeline.contracts.Platform`."""
