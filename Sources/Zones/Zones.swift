// Zones: placeholder until its first file lands.
