SELECT * FROM source.contents
