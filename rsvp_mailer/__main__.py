"""``python -m rsvp_mailer`` is ``rsvp-mailer``."""

from rsvp_mailer.cli import main

if __name__ == "__main__":
    main()
