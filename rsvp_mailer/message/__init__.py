"""From octets to a ``Message``: whose words are these, and do they concern us?"""
