// GatewayCore: placeholder until its first file lands.
