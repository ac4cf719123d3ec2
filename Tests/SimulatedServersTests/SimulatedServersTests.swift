// SimulatedServers
