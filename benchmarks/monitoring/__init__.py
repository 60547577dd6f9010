"""Monitoring measured: false alarms, power, and scores estimated without truths."""
