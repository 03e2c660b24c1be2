// Platform: placeholder until its first file lands.
