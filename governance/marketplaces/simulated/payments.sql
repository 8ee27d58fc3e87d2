SELECT * FROM source.payments
