"""Reports from Crewmojo: requests, jobs, retries, and the one access token."""
