"""Pierhead's own API described: one YAML file a topic, read here, told as an OpenAPI document."""
