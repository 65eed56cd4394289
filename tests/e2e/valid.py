"""Validates JSON files against one of ratchet's JSON Schemas: valid.py SCHEMA FILE..."""
import json
import sys

import jsonschema

with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
bad = 0
for name in sys.argv[2:]:
    with open(name) as file:
        for error in validator.iter_errors(json.load(file)):
            print("%s: %s: %s" % (name, "/".join(map(str, error.path)), error.message))
            bad = 1
sys.exit(bad)
