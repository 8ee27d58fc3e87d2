SELECT * FROM source.messages
