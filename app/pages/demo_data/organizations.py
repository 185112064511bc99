"""Every organization of the demonstration."""

from __future__ import annotations

from app.pages.demo_data import america, europe, newark, south

ORGANIZATIONS = (*newark.ORGANIZATIONS, *europe.ORGANIZATIONS, *america.ORGANIZATIONS, *south.ORGANIZATIONS)
