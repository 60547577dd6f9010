"""Faults planted in real tables at growing severity: what is found, with the right rows?"""
