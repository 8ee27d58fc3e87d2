SELECT * FROM source.accounts
