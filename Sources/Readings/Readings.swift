// Readings: placeholder until its first file lands.
