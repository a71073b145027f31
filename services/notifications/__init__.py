"""Notifications: tells person, link worker, referrer and service what happened and what is next."""
