"""The first contact with Crewmojo's API: which of the tap's assumptions hold for an account."""
