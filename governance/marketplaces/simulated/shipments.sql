SELECT * FROM source.shipments
