SELECT * FROM source.reviews
