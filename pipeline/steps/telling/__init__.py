"""Who hears of what: learners and supervisors by mail, systems by updates, staff by alerts."""
