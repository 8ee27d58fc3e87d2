SELECT * FROM source.enforcements
