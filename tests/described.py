"""Which members of a published schema say nothing of themselves."""


def undescribed(schema):
    """Members of a JSON Schema of which nothing is said, neither here nor where they refer to."""
    definitions = schema["$defs"]
    owners = [(schema["title"], schema), *definitions.items()]
    return [
        f"{owner}.{name}"
        for owner, definition in owners
        for name, member in definition.get("properties", {}).items()
        if not member.get("description")
        and not definitions.get(member.get("$ref", "").rpartition("/")[2], {}).get("description")
    ]
