"""The contract in the standard forms: OpenAPI for HTTP, AsyncAPI for MQTT.

Both documents are made from what the code itself goes by (routes, types of bodies and answers, the
table of errors, topics, payloads), so that they cannot say anything else.
"""
