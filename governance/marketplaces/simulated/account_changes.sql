SELECT * FROM source.account_changes
