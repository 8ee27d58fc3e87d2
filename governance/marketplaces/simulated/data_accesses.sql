SELECT * FROM source.data_accesses
