SELECT * FROM source.appeals
