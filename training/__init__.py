"""Training: songs, the training stages and the evaluation of VQSS models."""
