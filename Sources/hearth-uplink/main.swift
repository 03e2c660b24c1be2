// hearth-uplink: placeholder until its first file lands.
