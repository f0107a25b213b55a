"""Coverage: how much of its areas a mission sees and delivers, and how often it comes back."""
