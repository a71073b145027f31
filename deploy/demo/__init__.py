"""The invented programme, played in through the front doors: every person and service is made up."""
