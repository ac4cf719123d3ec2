// Advisories
