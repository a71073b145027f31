"""Restored databases: held until they know again what their service decided after the back-up."""
