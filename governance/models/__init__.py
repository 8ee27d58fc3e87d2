"""The catalogue of models and what turns a training set into a judged candidate."""
