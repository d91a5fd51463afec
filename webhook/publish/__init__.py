"""Evidence on its way to where the gate looks for it: beside the image in its registry, or in the cluster."""
