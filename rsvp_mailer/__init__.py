"""Reads free-text e-mail replies to an invitation; see ``domain`` for the nouns and ``app`` for the wiring."""
