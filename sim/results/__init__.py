"""What a run leaves behind: grades, tables, figures, and the folder that holds them."""
