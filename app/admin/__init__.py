"""Admin: pages of whoever runs the installation. They call the same operations as everything else.

Rules: M1 (promises that were given up are visible and can be tried again), A1.
"""
