// hearth-bench: placeholder until its first file lands.
