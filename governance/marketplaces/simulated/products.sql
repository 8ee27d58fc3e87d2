SELECT * FROM source.products
