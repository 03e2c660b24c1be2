// Playback: placeholder until its first file lands.
