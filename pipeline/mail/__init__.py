"""The mails to learners and supervisors: composed once, handed over once."""
