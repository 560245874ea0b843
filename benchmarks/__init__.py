"""Measurements against peers on one machine, side by side in one run. How to read them: docs/benchmarks.md.

A timing never fails anything: a goal that is missed is printed with its cause. What is checked is that every
contender did its work (rows counted, answers judged), else its figures would mean nothing.
"""
