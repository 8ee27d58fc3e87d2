SELECT * FROM source.orders
