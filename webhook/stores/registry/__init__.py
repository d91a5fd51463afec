"""Evidence beside images: in the OCI registries that hold them."""
