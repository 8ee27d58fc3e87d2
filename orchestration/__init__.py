"""When things run and with what: environments, definitions, jobs, the run plan and the command line."""
