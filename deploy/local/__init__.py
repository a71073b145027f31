"""`make run`: a real broker, a real database and the four services as child processes of one supervisor."""
