SELECT * FROM source.sessions
