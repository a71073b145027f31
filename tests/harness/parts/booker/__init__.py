"""A partner that brings booking of one locality, as a process, built on the published contract alone.

It imports `shared/contract` (events, fold, operations) and nothing of the services or their kernel.
"""
