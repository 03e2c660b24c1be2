// GATT: placeholder until its first file lands.
