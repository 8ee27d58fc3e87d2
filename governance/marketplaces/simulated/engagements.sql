SELECT * FROM source.engagements
