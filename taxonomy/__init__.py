"""Our vocabulary: collaboration patterns, SOC groups and the classifiers' label definitions."""
