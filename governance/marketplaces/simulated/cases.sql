SELECT * FROM source.cases
