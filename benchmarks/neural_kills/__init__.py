"""Trainings that are killed at a random step and go on: are the final weights the same bits?"""
