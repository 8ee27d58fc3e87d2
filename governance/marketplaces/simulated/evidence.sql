SELECT * FROM source.evidence
