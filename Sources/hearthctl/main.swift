// hearthctl: placeholder until its first file lands.
