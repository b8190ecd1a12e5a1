"""The JSON API below `/api/v1`, one module for each resource: parse, call chat, answer."""

PREFIX = "/api/v1"
