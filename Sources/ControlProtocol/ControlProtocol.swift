// ControlProtocol: placeholder until its first file lands.
