"""Training pictures: the corpus, random crops, and the rotation of the bands."""
