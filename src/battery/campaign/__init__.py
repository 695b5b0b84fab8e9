"""Campaigns: several runs of one system, on one machine or many, and what they come to."""
