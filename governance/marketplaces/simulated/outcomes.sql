SELECT * FROM source.outcomes
