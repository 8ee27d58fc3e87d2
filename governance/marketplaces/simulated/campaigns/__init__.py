"""Campaigns of abuse as data: what a campaign file says, and how each campaign stands."""
