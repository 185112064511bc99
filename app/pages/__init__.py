"""Pages that look at several features: home, My help, an organization's overview, and the checks a proxy asks for."""
