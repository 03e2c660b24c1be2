// hearthd: placeholder until its first file lands.
