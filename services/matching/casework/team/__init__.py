"""Work within a team: cover for a colleague's case, the team's queue, and handing cases over."""
