"""What runs Linkwork: on one machine, in containers, and the invented people it is shown with."""
