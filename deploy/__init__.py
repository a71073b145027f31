"""Programs that run Linkwork: on one machine, in containers, and with invented people."""
