SELECT * FROM source.payouts
