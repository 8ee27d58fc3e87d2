SELECT * FROM source.labels
