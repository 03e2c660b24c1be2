// HealthProfiles: placeholder until its first file lands.
