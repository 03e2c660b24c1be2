// Journal: placeholder until its first file lands.
