"""Holds JSON against the schemas that we publish."""

import json
from importlib.resources import files

from jsonschema import Draft202012Validator, FormatChecker

_SCHEMAS = {
    "check/1": ("witness.report", "schemas/check-1.schema.json"),
    "rebuild-result/1": ("rebuilders", "schemas/rebuild-result-1.schema.json"),
    "doctor/1": ("rebuilders", "schemas/doctor-1.schema.json"),
    "status/1": ("rebuilders", "schemas/status-1.schema.json"),
    "compare/1": ("rebuilders", "schemas/compare-1.schema.json"),
}


def schema_of(name):
    package, path = _SCHEMAS[name]
    return json.loads(files(package).joinpath(path).read_text("utf-8"))


def validate(value):
    """Raises unless `value` is as its schema says, without a key that the schema does not know.

    The published schema lets readers meet keys of a later program; what we write ourselves has none of these.
    """
    schema = schema_of(value["schema"])
    Draft202012Validator.check_schema(schema)
    for candidate in (schema, _closed(schema)):
        Draft202012Validator(candidate, format_checker=FormatChecker()).validate(value)


def _closed(schema):
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed
