"""What a registry can be asked for: manifests, blobs, referrers, tags."""
