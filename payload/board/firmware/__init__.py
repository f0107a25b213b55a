"""The boards' firmware in C, what generates its weights and what builds it."""
