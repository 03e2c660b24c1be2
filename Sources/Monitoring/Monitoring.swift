// Monitoring: placeholder until its first file lands.
