"""Reference data: O*NET releases, and the weights that lead from tasks to occupations."""
