"""Training pictures: the corpus, its augmentation and its colours."""
