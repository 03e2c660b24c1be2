// Exchange: placeholder until its first file lands.
