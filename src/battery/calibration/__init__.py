"""How often each verdict is given on simulated batteries."""
